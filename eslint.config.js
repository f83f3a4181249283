// Rules that find mistakes, with the compiler's types at hand; how lines look is up to prettier.
import js from "@eslint/js";
import { defineConfig, globalIgnores } from "eslint/config";
import tseslint from "typescript-eslint";

const named = { argsIgnorePattern: "^_", varsIgnorePattern: "^_", ignoreRestSiblings: true };

export default defineConfig(
  globalIgnores([
    "**/dist/",
    "**/node_modules/",
    ".*/",
    "book/",
    "eslint.config.js",
    "lib/cli.mjs",
    "lib/objects/generate/",
    "notebooks/kit/book/book.js",
  ]),
  js.configs.recommended,
  tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        project: [
          "lib/tsconfig.json",
          "diagrams/tsconfig.json",
          "notebooks/exercises/tsconfig.json",
          "notebooks/kit/tsconfig.json",
          "test/tsconfig.json",
        ],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: "error",
      "no-empty": ["error", { allowEmptyCatch: true }],
      "no-undef": "off", // the compiler knows better
      // prettier breaks what it can; a string, a pattern or an address cannot be broken
      "max-len": [
        "error",
        {
          code: 100,
          ignoreStrings: true,
          ignoreTemplateLiterals: true,
          ignoreRegExpLiterals: true,
          ignoreUrls: true,
        },
      ],
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "inline-type-imports" }],
      // "{}" is what is left of an unknown value that is no object
      "@typescript-eslint/no-base-to-string": ["error", { ignoredTypeNames: ["{}", "Error"] }],
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-misused-promises": [
        "error",
        { checksVoidReturn: { arguments: false } }, // a listener may be asynchronous
      ],
      "@typescript-eslint/no-unsafe-return": "off", // the compiler's Array.isArray answers any[]
      "@typescript-eslint/no-unused-expressions": ["error", { allowTernary: true }],
      "@typescript-eslint/no-unused-vars": ["error", named],
      "@typescript-eslint/prefer-readonly": "error",
      "@typescript-eslint/restrict-plus-operands": ["error", { allowAny: true }],
      "@typescript-eslint/restrict-template-expressions": [
        "error",
        {
          allowArray: true,
          allowBoolean: true,
          allowNumber: true,
        },
      ],
      "@typescript-eslint/require-await": "off", // an interface may ask for a promise
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
    },
  },
  {
    // The core runs in a browser.
    files: ["lib/**/*.ts"],
    ignores: ["lib/doors/**"],
    rules: { "no-restricted-imports": ["error", { patterns: ["node:*"] }] },
  },
  {
    // Where values are the house's own; elsewhere they come from outside (a body, a store, a reader's
    // cell, a page), and their types say what they should be.
    files: [
      "lib/{cloud,controllers,journey,machinery,net,node,store,why}/**/*.ts",
      "lib/doors/lab/**/*.ts",
    ],
    rules: {
      "@typescript-eslint/no-unnecessary-condition": [
        "error",
        { allowConstantLoopConditions: true },
      ],
    },
  },
  {
    // An act may wait for nothing; bytes have no letters. (lib/machinery/act.ts)
    files: ["lib/{shell,programs}/**/*.ts"],
    rules: { "require-yield": "off", "no-control-regex": "off" },
  },
  {
    // JavaScript with types in comments: what JSON.parse answers stays untyped there.
    files: ["**/*.mjs"],
    rules: {
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-call": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/prefer-readonly": "off", // JavaScript has no word for it
      "@typescript-eslint/restrict-template-expressions": "off", // what is untyped may be anything
    },
  },
  {
    // A suite's hook, a store's: taken out of objects that are made of functions.
    files: ["test/**"],
    rules: { "@typescript-eslint/unbound-method": "off" },
  },
  {
    // An answer is whatever a reader wrote.
    files: ["notebooks/exercises/*.ts"],
    rules: {
      "@typescript-eslint/no-explicit-any": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
    },
  },
  {
    // It makes a browser of svgdom by changing methods that have no types.
    files: ["diagrams/render.ts"],
    rules: {
      "@typescript-eslint/no-explicit-any": "off",
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-call": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/unbound-method": "off",
    },
  },
);
