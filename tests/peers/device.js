// The echonet-lite package as a storage battery: what it is told, it keeps; it prints "ready" once it listens.
"use strict";
const EL = require("echonet-lite");
const battery = {
  80: [0x30], 82: [0, 0, 0x52, 0], 88: [0x42], 89: [0, 0], "8a": [0, 0, 0x77],
  c8: [0, 0, 0, 0, 0, 0, 0x15, 0x7c], c9: [0, 0, 0, 0, 0, 0, 0x15, 0x7c], cf: [0x46], da: [0x46],
  c1: [1], c2: [2], aa: [0, 0, 0, 0], ab: [0, 0, 0, 0], eb: [0, 0, 0, 0], ec: [0, 0, 0, 0],
  d3: [0xff, 0xff, 0xf4, 0x48], e4: [90], a8: [0, 0, 4, 0xd2], a9: [0, 0, 3, 0xe8],
};
const settable = ["c1", "c2", "aa", "ab", "da", "eb", "ec"];
function map(codes) {
  const known = codes.map((code) => parseInt(code, 16));
  if (known.length < 16) return [known.length, ...known];
  const bits = new Array(16).fill(0);
  for (const code of known) bits[code & 15] |= 1 << ((code >> 4) - 8);
  return [known.length, ...bits];
}
battery["9d"] = map(["80", "da"]);
battery["9e"] = map(settable);
battery["9f"] = map([...Object.keys(battery), "9f"]);
const objects = { "027d01": battery };
EL.initialize(
  ["027d01"],
  (rinfo, els, err) => {
    if (err || !els || els.DEOJ !== "027d01") return;
    if (els.ESV === EL.GET) EL.replyGetDetail(rinfo, els, objects);
    if (els.ESV !== EL.SETC) return;
    const answer = [];
    let whole = true;
    for (const [epc, edt] of Object.entries(els.DETAILs)) {
      if (settable.includes(epc)) {
        battery[epc] = EL.toHexArray(edt);
        if (epc === "da") battery.cf = battery.da;
        answer.push(parseInt(epc, 16), 0);
      } else {
        whole = false;
        answer.push(parseInt(epc, 16), edt.length / 2, ...EL.toHexArray(edt));
      }
    }
    const head = [0x10, 0x81, ...EL.toHexArray(els.TID), ...EL.toHexArray(els.DEOJ), ...EL.toHexArray(els.SEOJ)];
    EL.sendArray(rinfo, [...head, whole ? 0x71 : 0x51, answer.length / 2, ...answer]);
  },
  4,
  { v4: "", ignoreMe: false, autoGetProperties: false, debugMode: false },
);
setTimeout(() => console.log("ready"), 300);
