/** Says on stderr what is being done, if it takes over a second. */
export async function announce<T>(what: string, work: Promise<T>): Promise<T> {
  const timer = setTimeout(() => console.error(`services: ${what} …`), 1000);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}
