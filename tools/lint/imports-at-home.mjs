/**
 * ESLint rule: a package that belongs to one place is imported only there.
 *
 * ESLint's own `no-restricted-imports` sees neither `import("ws")` nor `require("ws")` nor the types in
 * `import("ws").WebSocket`, so this rule looks at every way in which a module is named.
 */
import { isBuiltin } from "node:module";

/** @type {import("eslint").Rule.RuleModule} */
export const importsAtHome = {
  meta: {
    type: "problem",
    schema: [
      {
        type: "object",
        properties: {
          banned: {
            type: "array",
            items: {
              type: "object",
              properties: { package: { type: "string" }, because: { type: "string" } },
              required: ["package", "because"],
              additionalProperties: false,
            },
          },
          banNode: { type: "string" },
        },
        additionalProperties: false,
      },
    ],
    messages: { banned: "'{{name}}' is not for this folder: {{because}}" },
  },
  create(context) {
    const { banned = [], banNode } = context.options[0] ?? {};

    function check(literal) {
      const name = literal?.value;
      if (typeof name !== "string") return;
      const rule = banned.find((entry) => covers(entry.package, name));
      const because = rule?.because ?? (banNode !== undefined && isBuiltin(name) ? banNode : undefined);
      if (because !== undefined)
        context.report({ node: literal, messageId: "banned", data: { name, because } });
    }

    return {
      ImportDeclaration: (node) => check(node.source),
      ExportNamedDeclaration: (node) => check(node.source),
      ExportAllDeclaration: (node) => check(node.source),
      ImportExpression: (node) => check(node.source),
      TSImportType: (node) => check(node.source ?? node.argument?.literal),
      TSExternalModuleReference: (node) => check(node.expression),
      CallExpression(node) {
        const callee = node.callee;
        const isRequire =
          (callee.type === "Identifier" && callee.name === "require") ||
          (callee.type === "MemberExpression" &&
            callee.object.type === "Identifier" &&
            callee.object.name === "require");
        if (isRequire) check(node.arguments[0]);
      },
    };
  },
};

/** `@scope/*` covers the whole scope; a plain name covers the package and the paths below it. */
function covers(pattern, name) {
  if (pattern.endsWith("/*")) return name.startsWith(pattern.slice(0, -1));
  return name === pattern || name.startsWith(`${pattern}/`);
}
