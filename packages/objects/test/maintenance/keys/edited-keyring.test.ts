import { describe, expect, it } from 'vitest';
import { planVersions } from '../../../src/maintenance/keys/keys.ts';
import { EagerClock } from '../../support/eager-clock.ts';
import { engineAt } from '../../support/engines.ts';
import { memoryPlace } from '../../support/places.ts';
import { createAt } from '../../support/stores.ts';

const isWiped = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);

describe('a keyring that is edited', () => {
  it.each<readonly [string, boolean]>([
    ['fails', true],
    ['changes nothing', false],
  ])('is wiped if the edit %s', async (_, fails) => {
    const clock = new EagerClock();
    const place = memoryPlace(() => clock.now());
    await createAt(place, { clock });
    const { engine } = await engineAt(place, clock);
    const keys: Uint8Array[] = [];
    const planned = planVersions(
      engine,
      engine.monitor.state,
      (version) => {
        keys.push(version.key);
        if (fails) throw new Error('no such version');
        return version;
      },
      undefined,
    );
    await (fails ? expect(planned).rejects.toThrow('no such version') : expect(planned).resolves.toBeUndefined());
    expect(keys.length).toBeGreaterThan(0);
    expect(keys.every(isWiped)).toBe(true);
  });
});
