/**
 * Has every property that names no seed of its own begin with this one, as a failure has printed it.
 *
 * @param seed `undefined` for a new one each time
 */
export async function usePropertySeed(seed: string | undefined): Promise<void> {
  if (seed === undefined || seed === '') return;
  const { default: fc } = await import('fast-check');
  fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(seed) });
}
