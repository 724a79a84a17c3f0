import { posix } from 'node:path';
import { applyEffect, type Disk, type Effect, type Step } from './disk.ts';
import type { Call } from '../trace/tracer.ts';
import { stringsIn } from './traced-calls.ts';

/** An open file or folder. */
interface Open {
  readonly node: number;
  readonly isAppending: boolean;
  at: number;
}

/** The place of a name. */
interface Place {
  readonly path: string;
  readonly folder: number;
  readonly name: string;
  /** What it refers to. */
  readonly node: number | undefined;
}

const STDOUT = 1;

/** Whether SQLite's processes share what is in a file, which is worth nothing once they have ended. */
export function isSharedMemory(path: string): boolean {
  return path.endsWith('-shm');
}

function notThere(path: string): Error {
  return new Error(`${path} was opened, and by the trace it is not there`);
}

/** Follows calls below one folder, and makes steps of them. What it does not know there it refuses, so that nothing goes unnoticed. */
export class Recorder {
  readonly steps: Step[] = [];
  readonly #root: string;
  readonly #disk: Disk;
  readonly #open: Map<number, Open> = new Map();
  /** Files that were opened to be read while another thread was renaming them into place, and when: the trace has that call later. */
  readonly #early: Map<string, number> = new Map();
  #programs: number;

  /**
   * @param disk what is in the folder. It is changed
   * @param programs how many are recorded, one after the other
   */
  constructor(root: string, disk: Disk, programs: number) {
    this.#root = root;
    this.#disk = disk;
    this.#programs = programs;
  }

  add(call: Call): void {
    const { name, args, result } = call;
    const descriptor = Number(/^\d+/.exec(args)?.[0] ?? -1);
    if (name === 'execve') return this.#execute();
    if (name === 'close') return void this.#open.delete(descriptor);
    if (name === 'open' || name === 'openat') return this.#opened(call);
    if (name === 'mmap') return this.#map(args);
    if (/^p?writev?(?:64)?$/.test(name)) return this.#written(call, descriptor);
    const held = this.#open.get(descriptor);
    if (name === 'fsync' || name === 'fdatasync') {
      if (held !== undefined) this.#flushed(call, held.node, name === 'fsync');
      return;
    }
    if (name === 'ftruncate') {
      if (held !== undefined) this.#change(call, held.node, { type: 'size', node: held.node, size: lastNumber(args) });
      return;
    }
    const places = stringsIn(args).map((path) => this.#placeOf(path.toString()));
    if (name === 'utimensat') return this.#timed(call, places[0]);
    if (name.startsWith('mkdir')) return this.#made(call, places[0], 'folder');
    if (name.startsWith('rename')) return this.#renamed(call, places);
    if (/^(?:unlink|rmdir)/.test(name)) return this.#removed(call, places[0]);
    const descriptors = [...args.matchAll(/(?<![\w"])\d+/g)].map(([number]) => this.#open.get(Number(number)));
    const isOurs = places.some((place) => place !== undefined) || descriptors[0] !== undefined;
    if (isOurs || (result !== '0' && /^(?:copy_file_range|splice)$/.test(name) && descriptors[1] !== undefined)) {
      throw new Error(`${name} is no call that is recorded: ${args.slice(0, 200)}`);
    }
  }

  /** @throws Error if a file was read that no call of the trace has made */
  assertWhole(): void {
    for (const path of this.#early.keys()) throw notThere(path);
  }

  #execute(): void {
    this.#open.clear();
    this.#programs -= 1;
    if (this.#programs < 0) throw new Error('the recorded program started another one');
  }

  /** Reads through it change nothing, and private ones write nothing. */
  #map(args: string): void {
    const [, , protection = '', flags = '', descriptor] = args.split(', ');
    const held = this.#open.get(Number(descriptor));
    if (held === undefined || !protection.includes('PROT_WRITE') || !flags.includes('MAP_SHARED')) return;
    const path = this.#pathOf(held.node);
    if (!isSharedMemory(path)) throw new Error(`${path} is written through memory, which is not recorded`);
  }

  #opened(call: Call): void {
    const [path] = stringsIn(call.args);
    const place = this.#placeOf(path?.toString() ?? '');
    if (place === undefined) return;
    const { args, result } = call;
    if (/O_TMPFILE|O_D?SYNC\b/.test(args)) throw new Error(`flags that are not recorded: ${args.slice(-100)}`);
    if (place.node === undefined) {
      if (args.includes('O_CREAT')) this.#made(call, place, 'file');
      else if (args.includes('O_RDONLY')) return void this.#early.set(place.path, call.ended);
      else throw notThere(place.path);
    } else if (args.includes('O_TRUNC')) this.#change(call, place.node, { type: 'size', node: place.node, size: 0 });
    const node = place.node ?? this.#disk.folder(place.folder).get(place.name) ?? 0;
    this.#open.set(Number(result), { node, isAppending: args.includes('O_APPEND'), at: 0 });
  }

  #written(call: Call, descriptor: number): void {
    const { name, args, result } = call;
    const data = Buffer.concat(stringsIn(args)).subarray(0, Number(result));
    if (descriptor === STDOUT) {
      const lines = data.toString().split('\n').slice(0, -1);
      for (const line of lines) this.steps.push({ type: 'said', line, text: `said ${line}`, ...endOf(call) });
      return;
    }
    const held = this.#open.get(descriptor);
    if (held === undefined) return;
    const { node } = held;
    const end = held.isAppending ? this.#disk.file(node).bytes.length : held.at;
    const at = name.startsWith('p') ? lastNumber(args) : end;
    if (!name.startsWith('p')) held.at = at + data.length;
    this.#change(call, node, { type: 'write', node, at, data });
  }

  #timed(call: Call, place: Place | undefined): void {
    if (place?.node === undefined || this.#disk.isFolder(place.node)) return;
    const [, seconds, nanoseconds] = /.*tv_sec=(\d+).*tv_nsec=(\d+)/.exec(call.args) ?? [];
    const time = Number(seconds) + Number(nanoseconds) / 1e9;
    this.#change(call, place.node, { type: 'time', node: place.node, time });
  }

  #made(call: Call, place: Place | undefined, made: 'file' | 'folder'): void {
    if (place === undefined) return;
    const { path, folder, name } = place;
    const node = this.#disk.add(made === 'file' ? Buffer.alloc(0) : undefined, call.time);
    this.#push(call, path, [{ type: 'name', folder, name, node }], made);
  }

  #renamed(call: Call, [from, to]: readonly (Place | undefined)[]): void {
    if (from === undefined && to === undefined) return;
    if (from?.node === undefined || to === undefined) throw new Error('a file was moved into the folder, or out of it');
    if (call.begun < (this.#early.get(to.path) ?? -1)) this.#early.delete(to.path);
    this.#push(call, `${from.path} to ${to.path}`, [
      { type: 'name', folder: to.folder, name: to.name, node: from.node },
      { type: 'name', folder: from.folder, name: from.name, node: undefined },
    ]);
  }

  #removed(call: Call, place: Place | undefined): void {
    if (place === undefined) return;
    const { path, folder, name } = place;
    this.#push(call, path, [{ type: 'name', folder, name, node: undefined }]);
  }

  #flushed(call: Call, node: number, all: boolean): void {
    const text = `${call.name} ${this.#pathOf(node)}`;
    this.steps.push({ type: 'flush', node, begun: call.begun, all, text, ...endOf(call) });
  }

  #change(call: Call, node: number, effect: Effect): void {
    const size = effect.type === 'write' ? ` ${effect.data.length} bytes at ${effect.at}` : '';
    this.#push(call, `${this.#pathOf(node)}${size}`, [effect]);
  }

  #push(call: Call, text: string, effects: readonly Effect[], made?: 'file' | 'folder'): void {
    for (const effect of effects) applyEffect(this.#disk, effect, call.time);
    this.steps.push({ type: 'change', effects, made, text: `${call.name} ${text}`, ...endOf(call) });
  }

  /** @returns nothing for what is not below the folder */
  #placeOf(given: string): Place | undefined {
    const [, descriptor, below = ''] = /^\/proc\/self\/fd\/(\d+)(.*)$/.exec(given) ?? [];
    const start = descriptor === undefined ? 0 : this.#open.get(Number(descriptor))?.node;
    const whole = posix.resolve('/', descriptor === undefined ? given : below);
    if (start === undefined || (descriptor === undefined && !`${whole}/`.startsWith(`${this.#root}/`)))
      return undefined;
    const names = (descriptor === undefined ? whole.slice(this.#root.length) : whole).split('/').filter(Boolean);
    const name = names.pop();
    if (name === undefined) return { path: '.', folder: start, name: '.', node: start };
    let folder = start;
    for (const one of names) {
      const next = this.#disk.folder(folder).get(one);
      if (next === undefined) throw new Error(`the folder of ${given} is by the trace not there`);
      folder = next;
    }
    const path = posix.join(this.#pathOf(folder), name);
    return { path, folder, name, node: this.#disk.folder(folder).get(name) };
  }

  #pathOf(node: number, folder = 0, above = '.'): string {
    for (const [name, child] of this.#disk.folder(folder)) {
      const path = posix.join(above, name);
      if (child === node) return path;
      const found = this.#disk.isFolder(child) ? this.#pathOf(node, child, path) : '';
      if (found !== '') return found;
    }
    return folder === 0 ? (node === 0 ? '.' : '(removed)') : '';
  }
}

function endOf({ ended, time }: Call): { readonly ended: number; readonly time: number } {
  return { ended, time };
}

/** @throws Error if a call was not understood */
function lastNumber(args: string): number {
  const number = /\d+$/.exec(args)?.[0];
  if (number === undefined) throw new Error(`there is no number at the end of ${args.slice(-100)}`);
  return Number(number);
}
