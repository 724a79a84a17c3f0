import type { Dice } from '../dice.ts';
import type { Plan } from '../plan.ts';
import type { SimulatedProcess } from '../process.ts';
import type { World } from '../world.ts';

/** What trouble needs to know of the world, and does to it. */
export type Troubled = Pick<World, 'scheduler' | 'log' | 'setClock'> & {
  readonly plan: Pick<Plan, 'focus' | 'days' | 'calendar'>;
};

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const TROUBLES = ['pause', 'pause', 'suspend', 'suspend', 'kill', 'set clock'] as const;
/** Whoever is killed takes no part in the days that follow. */
const LONG_TROUBLES = ['pause', 'pause', 'pause', 'suspend', 'suspend', 'suspend', ...TROUBLES] as const;

/** What happens to a process itself in the course of a schedule: it is paused, suspended, killed, or has its clock set. */
export function trouble(world: Troubled, process: SimulatedProcess, dice: Dice, length: number): void {
  const { scheduler, log, plan } = world;
  // Where the schedule is about something else, less happens beside that.
  const most = plan.focus === undefined ? (plan.days ? 5 : 3) : 2;
  for (let times = dice.below(most); times > 0; times--) {
    const kind = dice.pick(plan.days ? LONG_TROUBLES : TROUBLES);
    const { calendar } = plan;
    const later = (chance: number): number | undefined =>
      dice.chance(chance) ? calendar.untilLater(dice, scheduler.now) : undefined;
    const begins = dice.between(0, length) + (later(0.5) ?? 0);
    const brief = dice.magnitude(200, 3 * MINUTE);
    const by = dice.between(-HOUR, HOUR) * (dice.chance(0.7) ? 0.1 : 1);
    scheduler.after(begins, () => {
      if (!process.alive) return;
      const duration = later(0.5) ?? brief;
      if (kind === 'set clock') {
        world.setClock(process, by);
        return;
      }
      log.add(process.name, () => `${kind}${kind === 'kill' ? '' : ` for ${Math.round(duration)} ms`}`);
      if (kind === 'pause') process.pause(duration);
      else if (kind === 'suspend') process.suspend(duration);
      else process.kill();
    });
  }
}
