import type { Exercise } from "./exercise.js";
import { ch00 } from "./ch00.js";
import { ch01 } from "./ch01.js";
import { ch02 } from "./ch02.js";
import { ch03 } from "./ch03.js";
import { ch04 } from "./ch04.js";
import { ch05 } from "./ch05.js";
import { ch06 } from "./ch06.js";
import { ch07 } from "./ch07.js";
import { ch08 } from "./ch08.js";
import { ch09 } from "./ch09.js";
import { ch10 } from "./ch10.js";
import { ch11 } from "./ch11.js";
import { ch12 } from "./ch12.js";
import { ch13 } from "./ch13.js";
import { ch14 } from "./ch14.js";
import { ch15 } from "./ch15.js";
import { ch16 } from "./ch16.js";
import { ch17 } from "./ch17.js";
import { ch18 } from "./ch18.js";

export const exercises: readonly Exercise[] = [
  ...ch00,
  ...ch01,
  ...ch02,
  ...ch03,
  ...ch04,
  ...ch05,
  ...ch06,
  ...ch07,
  ...ch08,
  ...ch09,
  ...ch10,
  ...ch11,
  ...ch12,
  ...ch13,
  ...ch14,
  ...ch15,
  ...ch16,
  ...ch17,
  ...ch18,
];
