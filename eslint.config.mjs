/**
 * Layers and platforms of the code, as rules: app -> engine -> {algorithm, runtime} -> foundation.
 *
 * `npx eslint .` from the root is the whole of it; `npm run lint` adds Prettier. The layer rule reads Nx's project
 * graph and, where there is none, would warn and let everything pass; so the graph is made here, before any rule runs.
 */
import { createProjectGraphAsync } from "@nx/devkit";
import nx from "@nx/eslint-plugin";
import { defineConfig } from "eslint/config";
import prettier from "eslint-config-prettier";
import tseslint from "typescript-eslint";
import { exactArithmetic, noOutsideWorld } from "./tools/lint/exact-arithmetic.mjs";
import { importsAtHome } from "./tools/lint/imports-at-home.mjs";

process.env.NX_DAEMON ??= "false";
await createProjectGraphAsync({ exitOnError: false });

const source = ["apps/*/src/**/*.ts", "libs/*/*/src/**/*.ts", "examples/**/*.ts"];
const tests = ["{apps/*,libs/*/*}/src/**/*.test.ts", "{apps/*,libs/*/*}/src/**/testing/**/*.ts"];

const layers = ["layer:foundation", "layer:algorithm", "layer:runtime", "layer:engine", "layer:app"];
const layersOfTests = [...layers, "layer:testing"];
const allowed = [
  { sourceTag: "layer:foundation", onlyDependOnLibsWithTags: ["layer:foundation"] },
  { sourceTag: "layer:algorithm", onlyDependOnLibsWithTags: ["layer:algorithm", "layer:foundation"] },
  { sourceTag: "layer:runtime", onlyDependOnLibsWithTags: ["layer:runtime", "layer:foundation"] },
  // Engines meet through the protocol, never by importing each other.
  {
    sourceTag: "layer:engine",
    onlyDependOnLibsWithTags: ["layer:algorithm", "layer:runtime", "layer:foundation"],
  },
  { sourceTag: "layer:app", onlyDependOnLibsWithTags: layers },
  { sourceTag: "layer:testing", onlyDependOnLibsWithTags: layersOfTests },
];
const boundaries = (depConstraints) => [
  "error",
  // Lazy loading is for speed of start-up (the command line's verbs), and each file decides it for itself.
  {
    depConstraints,
    allowCircularSelfDependency: false,
    checkDynamicDependenciesExceptions: [".*"],
  },
];

const homes = {
  "@tensorflow/*": "libs/runtime/compute",
  msgpackr: "libs/foundation/protocol",
  lmdb: "libs/runtime/checkpoint",
  ws: "libs/runtime/transport",
};
const bannedOutside = (home) =>
  Object.entries(homes)
    .filter(([, at]) => at !== home)
    .map(([name, at]) => ({ package: name, because: `only ${at} may import it` }));

export default defineConfig(
  {
    ignores: [
      "**/dist/**",
      "**/node_modules/**",
      ".nx/**",
      ".reports/**",
      "runs/**",
      // AssemblyScript: TypeScript's syntax with other meanings.
      "libs/foundation/arithmetic/assembly/**",
    ],
  },
  { plugins: { "@nx": nx, latentweave: { rules: { "imports-at-home": importsAtHome } } } },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  {
    files: source,
    extends: [tseslint.configs.strictTypeChecked, prettier],
    languageOptions: {
      // One program for everything: half the time of one per project.
      parserOptions: {
        project: ["./tsconfig.json", "./apps/dashboard/tsconfig.json"],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      "@nx/enforce-module-boundaries": boundaries(allowed),
      "latentweave/imports-at-home": ["error", { banned: bannedOutside(undefined) }],
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              regex: "^\\.{1,2}/(.*/)?index\\.(ts|js)$",
              message: "Import the file itself, not the package's list.",
            },
            { regex: "^@latentweave/[^/]+/", message: "Only a package's own list of names is for others." },
          ],
        },
      ],
      "@typescript-eslint/restrict-template-expressions": [
        "error",
        { allowNumber: true, allowBoolean: true },
      ],
      "@typescript-eslint/no-confusing-void-expression": "off",
      // Objects here are closures; nothing reads `this`, so a method may be taken off its object.
      "@typescript-eslint/unbound-method": "off",
      // `async` is how a function keeps an interface's promise to answer later, awaiting or not.
      "@typescript-eslint/require-await": "off",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      // There are neither enums nor subclasses worth the time that these take (a third of the whole).
      "@typescript-eslint/no-unsafe-enum-comparison": "off",
      "@typescript-eslint/no-unsafe-enum-assignment": "off",
      "@typescript-eslint/no-unsafe-class-instance-assignment": "off",
      "@typescript-eslint/no-deprecated": "off",
    },
  },
  ...Object.values(homes).map((home) => ({
    files: [`${home}/src/**/*.ts`],
    rules: { "latentweave/imports-at-home": ["error", { banned: bannedOutside(home) }] },
  })),
  {
    files: ["libs/algorithm/*/src/**/*.ts"],
    ignores: tests,
    rules: {
      ...noOutsideWorld,
      "latentweave/imports-at-home": [
        "error",
        {
          banned: bannedOutside(undefined),
          banNode: "algorithm code knows no files, sockets, timers or threads",
        },
      ],
    },
  },
  {
    files: [
      "libs/algorithm/*/src/**/*.ts",
      "libs/engine/*/src/**/*.ts",
      "libs/foundation/model/src/**/*.ts",
      "libs/foundation/parameters/src/**/*.ts",
      "libs/foundation/arithmetic/src/**/*.ts",
    ],
    ignores: tests,
    rules: exactArithmetic,
  },
  {
    files: [...tests, "apps/e2e/src/**/*.ts"],
    rules: {
      "@nx/enforce-module-boundaries": boundaries([
        ...allowed.map((rule) => ({
          ...rule,
          onlyDependOnLibsWithTags: [...rule.onlyDependOnLibsWithTags, "layer:testing"],
        })),
      ]),
      "@typescript-eslint/no-non-null-assertion": "off",
    },
  },
  {
    files: ["tools/**/*.mjs", "apps/cli/bin/*.mjs", "libs/**/*.mjs", "*.mjs"],
    extends: [tseslint.configs.base],
    rules: { "no-unused-vars": "off", "@typescript-eslint/no-unused-vars": "error", "no-undef": "off" },
  },
);
