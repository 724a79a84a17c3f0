import { hash } from 'node:crypto';

/** A script that the server runs as one step, between which and the next nothing else runs. */
export interface Script {
  readonly lua: string;
  readonly sha: string;
}

/**
 * A script of a body, which ends with `return answer`. Its answer stands behind the last argument of the call, so that
 * {@link Connection} knows which call was answered.
 */
function script(body: string): Script {
  const lua = `local function run()${body}end\nreturn { ARGV[#ARGV], run() }`;
  return { lua, sha: hash('sha1', lua) };
}

/** Whether that is a number as the scripts give one: a time, a size or an index. */
export function isNumber(value: unknown): boolean {
  return /^\d{1,15}$/.test(String(value));
}

/** How the names below are laid out; kept in the hash `clock`. */
export const LAYOUT = '1';

/** The fields that {@link APPLY} takes for each operation. */
const OPERATION_FIELDS = 5;
/** As the condition of an operation: the key must not exist. */
export const ABSENT = '!';

/**
 * All operations or none. KEYS: index, meta, clock, and the body of each operation. ARGV: for each operation its type,
 * its key, its condition (an etag, `!` for a key that must not exist, or nothing), the new etag and the body.
 *
 * A client that sends a script again after a lost connection would find its own write in the way; since every write
 * has an etag of its own, the script knows it by that, and answers as the first time.
 *
 * Returns `{ 'done', modified }` or `{ 'conflict', index of the operation }`.
 */
export const APPLY: Script = script(`
local index, meta, clock = KEYS[1], KEYS[2], KEYS[3]
local count = #KEYS - 3
local present, conflict = {}, nil
for i = 1, count do
  local at = (i - 1) * ${OPERATION_FIELDS}
  local found = redis.call('HGET', meta, ARGV[at + 2])
  local etag, _, modified = string.match(found or '', '^(%S+) (%d+) (%d+)$')
  if etag and etag == ARGV[at + 4] then return { 'done', modified } end
  present[i] = found
  local condition = ARGV[at + 3]
  local failed = condition ~= '' and condition ~= etag
  if condition == '${ABSENT}' then failed = found ~= false end
  if failed and not conflict then conflict = i - 1 end
end
if conflict then return { 'conflict', tostring(conflict) } end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local last = tonumber(redis.call('HGET', clock, 'modified') or 0)
local modified = string.format('%.0f', math.max(now, last))
local written = false
for i = 1, count do
  local at = (i - 1) * ${OPERATION_FIELDS}
  local key, body = ARGV[at + 2], KEYS[i + 3]
  if ARGV[at + 1] == 'write' then
    written = true
    redis.call('SET', body, ARGV[at + 5])
    redis.call('HSET', meta, key, ARGV[at + 4] .. ' ' .. string.format('%d', #ARGV[at + 5]) .. ' ' .. modified)
    if not present[i] then redis.call('ZADD', index, 0, key) end
  elseif present[i] then
    redis.call('UNLINK', body)
    redis.call('HDEL', meta, key)
    redis.call('ZREM', index, key)
  end
end
-- A deletion alone uses only commands that a server without memory left still runs.
if written then redis.call('HSET', clock, 'layout', '${LAYOUT}', 'modified', modified) end
return { 'done', modified }
`);

/**
 * A body or a part of it. KEYS: meta, clock, body. ARGV: key, first and last byte, and the largest body that is loaded.
 *
 * Returns nothing for a missing key, else `{ meta, length of the body, body or nothing, seconds, microseconds, clock }`.
 */
export const READ: Script = script(`
local found = redis.call('HGET', KEYS[1], ARGV[1])
if not found then return false end
local length = redis.call('STRLEN', KEYS[3])
local body = false
if length <= tonumber(ARGV[4]) then body = redis.call('GETRANGE', KEYS[3], ARGV[2], ARGV[3]) end
local time = redis.call('TIME')
return { found, length, body, time[1], time[2], redis.call('HGET', KEYS[2], 'modified') }
`);

/** A page of keys. KEYS: index, meta. ARGV: lower and upper bound, count. Returns `{ keys, meta of each }`. */
export const LIST: Script = script(`
local keys = redis.call('ZRANGEBYLEX', KEYS[1], ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3])
if #keys == 0 then return { keys, keys } end
return { keys, redis.call('HMGET', KEYS[2], unpack(keys)) }
`);

/** The layout of the store, or nothing where none was written yet. KEYS: clock. */
export const INSPECT: Script = script(`return redis.call('HGET', KEYS[1], 'layout')`);
