// The echonet-lite package as a controller: Get and SetC to the node at argv[2], one JSON line per reply.
"use strict";
const EL = require("echonet-lite");
const address = process.argv[2];
const BATTERY = "027d01";
const asked = [
  [EL.GET, "d6", "", "0ef001"],
  [EL.GET, "9e", "", BATTERY],
  [EL.GET, "e4", "", BATTERY],
  [EL.SETC, "c2", "03", BATTERY],
  [EL.SETC, "ec", "000007d0", BATTERY],
  [EL.SETC, "da", "43", BATTERY],
  [EL.GET, "da", "", BATTERY],
  [EL.SETC, "da", "99", BATTERY],
];
EL.initialize(
  ["05ff01"],
  (rinfo, els, err) => {
    if (err || !els || rinfo.address !== address || els.ESV === EL.INF) return;
    console.log(JSON.stringify({ esv: els.ESV, seoj: els.SEOJ, details: els.DETAILs }));
    next();
  },
  4,
  { v4: "", ignoreMe: false, autoGetProperties: false, debugMode: false },
);
function next() {
  const one = asked.shift();
  if (!one) process.exit(0);
  EL.sendOPC1(address, "05ff01", one[3], one[0], one[1], one[2]);
}
setTimeout(next, 200);
setTimeout(() => process.exit(1), 8000);
