import { SecureStoreError } from '@securestore/core-format';
import type { Dice } from '../../../objects/test/simulation/dice.ts';
import { EPOCH } from '../../../objects/test/simulation/process.ts';
import type { PolicyChange, Rule, Session } from '../../src/index.ts';
import { addPrincipal, disablePrincipal, grantRole, removePrincipal, revokeRole, setRole } from '../../src/index.ts';
import { Access, begin } from './access.ts';
import { KEYS, ROLE_NAMES, ROLES, USERS } from './image.ts';
import type { RoleName } from './image.ts';
import type { Actor, Opened, World } from './world.ts';

/** What may come of a change: it could not be made, or there was nothing to change. */
const EXPECTED: readonly string[] = ['UNAVAILABLE', 'CONFLICT', 'NOT_FOUND', 'INVALID_ARGUMENT'];

interface OpenSession {
  readonly actor: Actor;
  readonly session: Session;
}

interface Step {
  readonly what: string;
  readonly take: () => Promise<void>;
}

/** When something ends that is to end soon, by clocks that are right. */
const drawEnd = (world: World, dice: Dice): number =>
  Math.floor(EPOCH + world.scheduler.now + dice.magnitude(500, 2 * 60_000));

/** Other rules in the place of those that a role has, or the same again. */
function drawRules(world: World, dice: Dice, name: RoleName): readonly Rule[] {
  switch (dice.pick(['same', 'ending', 'also denied', 'denied for now'])) {
    case 'ending':
      return ROLES[name].map((rule) => ({ ...rule, expires: drawEnd(world, dice) }));
    case 'also denied':
      return [...ROLES[name], { effect: 'deny', actions: ['read', 'write'], keys: ['a/1'] }];
    case 'denied for now':
      return [...ROLES[name], { effect: 'deny', actions: ['*'], expires: drawEnd(world, dice) }];
    default:
      return ROLES[name];
  }
}

function drawChanges(world: World, dice: Dice): { readonly what: string; readonly changes: readonly PolicyChange[] } {
  const user = dice.pick(USERS);
  const role = dice.pick(ROLE_NAMES);
  const choice = dice.float();
  if (choice < 0.35) {
    const end = dice.chance(0.5) ? drawEnd(world, dice) : undefined;
    const until = end === undefined ? '' : ` until ${end - EPOCH}`;
    return { what: `grants ${role} to ${user}${until}`, changes: [grantRole(user, role, end)] };
  }
  if (choice < 0.65) return { what: `revokes ${role} of ${user}`, changes: [revokeRole(user, role)] };
  if (choice < 0.8) {
    const disabled = dice.chance(0.5);
    return { what: `${disabled ? 'disables' : 'enables'} ${user}`, changes: [disablePrincipal(user, disabled)] };
  }
  if (choice < 0.93) return { what: `sets ${role}`, changes: [setRole(role, drawRules(world, dice, role))] };
  const again = [removePrincipal(user), addPrincipal(user, 'user'), grantRole(user, 'reader')];
  return { what: `removes ${user} and makes a new one`, changes: again };
}

function drawStep(world: World, { access }: Opened, dice: Dice): Step {
  const held = world.tokens[dice.below(Math.max(1, world.tokens.length))];
  const choice = dice.float();
  if (choice < 0.25) {
    const principal = dice.pick(USERS);
    const expires = dice.chance(0.6) ? new Date(drawEnd(world, dice)) : undefined;
    return {
      what: `makes a token for ${principal}`,
      async take() {
        const { id, token } = await access.createToken(principal, { expires });
        world.tokens.push({ id, principal, secret: token });
      },
    };
  }
  if (choice < 0.35 && held !== undefined) {
    return { what: `revokes the token ${held.id}`, take: async () => void (await access.revokeToken(held.id)) };
  }
  const { what, changes } = drawChanges(world, dice);
  return { what, take: async () => void (await access.change(changes)) };
}

/** Sees at once what a change has changed in its own process. */
async function look(world: World, opened: Opened, dice: Dice, sessions: readonly OpenSession[]): Promise<void> {
  for (const { actor, session } of sessions) {
    const key = dice.pick(KEYS);
    await new Access(world, opened, actor, dice, `has ${key}`).run('has', session, key);
  }
}

/** Changes the policy now and then. */
export async function administrator(world: World, opened: Opened, dice: Dice): Promise<void> {
  const { process } = opened;
  const sessions: OpenSession[] = [];
  for (const principal of USERS) {
    const session = await begin(world, opened, { principal });
    if (session !== undefined) sessions.push({ actor: { principal }, session });
  }
  const longest = dice.pick([2000, 20_000]);
  for (let steps = 2 + dice.below(6); steps > 0; steps--) {
    await world.rest(process, dice, longest);
    const { what, take } = drawStep(world, opened, dice);
    const begun = world.scheduler.now;
    world.log.add(process.name, () => what);
    try {
      await take();
      world.changes.push({ process: process.name, begun, acknowledged: world.scheduler.now });
      world.log.add(process.name, () => `has done it: ${what}`);
      await look(world, opened, dice, sessions);
    } catch (error) {
      world.log.add(process.name, () => `${what}: ${String(error)}`);
      if (!SecureStoreError.is(error) || !EXPECTED.includes(error.code)) world.complain(`${what}: ${String(error)}`);
    }
  }
}
