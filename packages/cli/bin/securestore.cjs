#!/usr/bin/env node
// Written for the parser of any Node, so that an old one can say what is needed instead of failing on new syntax.
'use strict';
var needed = [24, 7];
var found = process.versions.node.split('.').map(Number);
if (found[0] < needed[0] || (found[0] === needed[0] && found[1] < needed[1])) {
  process.stderr.write(
    'securestore needs Node ' +
      needed.join('.') +
      ' or newer; this is Node ' +
      process.versions.node +
      ' (' +
      process.execPath +
      ').\n',
  );
  process.exitCode = 2;
} else {
  // oxlint-disable-next-line import/no-unassigned-import -- it runs by being loaded
  require('../dist/main.js');
}
