/** Saves a text as a file of whoever looks. */
export function saveText(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // Not at once: the browser has to have taken it.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
