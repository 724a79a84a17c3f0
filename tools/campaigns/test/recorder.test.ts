import { describe, expect, it } from 'vitest';
import { Disk } from '../src/crash-images/disk.ts';
import { Recorder } from '../src/crash-images/recorder.ts';
import type { Call } from '../src/trace/tracer.ts';

/** A path as the tracer writes it. */
const traced = (path: string): string => `"${Buffer.from(path).toString('hex').replaceAll(/../g, '\\x$&')}"`;
const FILE = traced('/root/file');
const NEW = traced('/root/new');

const call = (name: string, args: string, [begun, ended]: readonly [number, number]): Call => ({
  name,
  args,
  result: '3',
  time: 0,
  begun,
  ended,
});
const made = call('openat', `AT_FDCWD, ${NEW}, O_WRONLY|O_CREAT`, [1, 1]);
const read = call('openat', `AT_FDCWD, ${FILE}, O_RDONLY`, [4, 4]);

describe('a file that is read before the trace has it', () => {
  it('was being renamed into place by another thread', () => {
    const recorder = new Recorder('/root', new Disk(), 1);
    for (const one of [made, read, call('rename', `${NEW}, ${FILE}`, [3, 5])]) recorder.add(one);
    expect(() => recorder.assertWhole()).not.toThrow();
    expect(recorder.steps).toHaveLength(2);
  });

  it('is refused if no call has made it, or only one that began later', () => {
    const recorder = new Recorder('/root', new Disk(), 1);
    for (const one of [made, read]) recorder.add(one);
    expect(() => recorder.assertWhole()).toThrow('file was opened, and by the trace it is not there');
    recorder.add(call('rename', `${NEW}, ${FILE}`, [5, 6]));
    expect(() => recorder.assertWhole()).toThrow('file was opened, and by the trace it is not there');
  });

  it('is refused at once if it is written', () => {
    const recorder = new Recorder('/root', new Disk(), 1);
    const written = call('openat', `AT_FDCWD, ${FILE}, O_WRONLY`, [4, 4]);
    expect(() => recorder.add(written)).toThrow('file was opened, and by the trace it is not there');
  });
});
