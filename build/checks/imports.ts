// SPDX-License-Identifier: Apache-2.0
/** Lists what a TypeScript file imports, in each form in which it can; comments and strings that look like imports are none. */
import ts from 'typescript'

/** The imported paths and modules of the source `text`; undefined for one that is computed when the program runs. */
export function importsOf(text: string): (string | undefined)[] {
  const source = ts.createSourceFile('source.ts', text, ts.ScriptTarget.Latest)
  const found: (string | undefined)[] = source.referencedFiles.map(({ fileName }) => fileName)
  const visit = (node: ts.Node): void => {
    const place = placeOf(node)
    if (place !== undefined) found.push(ts.isStringLiteralLike(place) ? place.text : undefined)
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

/** The part of `node` that says from where it imports; undefined when it imports nothing. */
function placeOf(node: ts.Node): ts.Node | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier
  if (ts.isExternalModuleReference(node)) return node.expression
  if (ts.isImportTypeNode(node)) return ts.isLiteralTypeNode(node.argument) ? node.argument.literal : node.argument
  return ts.isCallExpression(node) && loads(node.expression) ? node.arguments[0] : undefined
}

/** Whether a call of `called` loads a module: `import`, `require`, `createRequire(…)` or `process.getBuiltinModule`. */
function loads(called: ts.Expression): boolean {
  if (called.kind === ts.SyntaxKind.ImportKeyword) return true
  if (ts.isIdentifier(called)) return called.text === 'require'
  if (ts.isPropertyAccessExpression(called)) return called.name.text === 'getBuiltinModule'
  return ts.isCallExpression(called) && ts.isIdentifier(called.expression) && called.expression.text === 'createRequire'
}
