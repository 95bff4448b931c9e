/** Small changes of a program that its tests should notice: a guard dropped, a step left out, a limit off by one. */
import ts from 'typescript';

/**
 * @typedef {object} Mutation
 * @property {string} file
 * @property {number} line
 * @property {number} start
 * @property {number} end
 * @property {string} was
 * @property {string} is
 */

const { SyntaxKind } = ts;

/** @type {ReadonlyMap<ts.SyntaxKind, string>} */
const otherOperator = new Map([
  [SyntaxKind.EqualsEqualsEqualsToken, '!=='],
  [SyntaxKind.ExclamationEqualsEqualsToken, '==='],
  [SyntaxKind.LessThanToken, '<='],
  [SyntaxKind.LessThanEqualsToken, '<'],
  [SyntaxKind.GreaterThanToken, '>='],
  [SyntaxKind.GreaterThanEqualsToken, '>'],
  [SyntaxKind.PlusToken, '-'],
  [SyntaxKind.MinusToken, '+'],
  [SyntaxKind.AsteriskToken, '/'],
  [SyntaxKind.SlashToken, '*'],
  [SyntaxKind.PlusEqualsToken, '-='],
  [SyntaxKind.MinusEqualsToken, '+='],
  [SyntaxKind.QuestionQuestionEqualsToken, '='],
]);

/** @type {ReadonlySet<ts.SyntaxKind>} */
const choosing = new Set([
  SyntaxKind.AmpersandAmpersandToken,
  SyntaxKind.BarBarToken,
  SyntaxKind.QuestionQuestionToken,
]);

/**
 * What to put in the place of which node.
 * @param {ts.Node} node
 * @returns {[ts.Node, string][]}
 */
function changesOf(node) {
  if (ts.isBinaryExpression(node)) {
    const { left, operatorToken, right } = node;
    const other = otherOperator.get(operatorToken.kind);
    if (other !== undefined) return [[operatorToken, other]];
    // In brackets, for what is around it: `!(a && b)`, `await (a ?? b)`.
    if (choosing.has(operatorToken.kind))
      return [left, right].map((it) => [node, `(${it.getText()})`]);
    return [];
  }
  if (ts.isIfStatement(node)) return ['true', 'false'].map((it) => [node.expression, it]);
  if (ts.isConditionalExpression(node)) return ['true', 'false'].map((it) => [node.condition, it]);
  if (ts.isWhileStatement(node)) return [[node.expression, 'false']];
  if (ts.isPrefixUnaryExpression(node) && node.operator === SyntaxKind.ExclamationToken) {
    return [[node, node.operand.getText()]];
  }
  if (ts.isExpressionStatement(node) || ts.isThrowStatement(node)) return [[node, ';']];
  if (
    ts.isReturnStatement(node) &&
    node.parent.kind === SyntaxKind.CaseClause &&
    !node.expression
  ) {
    return [[node, ';']];
  }
  if (ts.isNumericLiteral(node)) return [[node, `${Number(node.text.replaceAll('_', '')) + 1}`]];
  if (node.kind === SyntaxKind.TrueKeyword) return [[node, 'false']];
  if (node.kind === SyntaxKind.FalseKeyword) return [[node, 'true']];
  if (ts.isStringLiteralLike(node)) return [[node, node.text === '' ? "'x'" : "''"]];
  if (ts.isTemplateExpression(node)) return [[node, "''"]];
  if (ts.isArrayLiteralExpression(node) && node.elements.length > 0) return [[node, '[]']];
  return [];
}

/**
 * Types and imports are the compiler's to check.
 * @param {ts.Node} node
 */
function isErased(node) {
  return (
    ts.isTypeNode(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isImportDeclaration(node) ||
    ts.isExportDeclaration(node)
  );
}

/**
 * @param {string} file
 * @param {string} text
 * @returns {Mutation[]}
 */
export function mutationsOf(file, text) {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  /** @type {Mutation[]} */
  const found = [];
  /** @param {ts.Node} node */
  function visit(node) {
    if (isErased(node)) return;
    for (const [target, is] of changesOf(node)) {
      const start = target.getStart();
      const line = source.getLineAndCharacterOfPosition(start).line + 1;
      found.push({ file, line, start, end: target.end, was: target.getText(), is });
    }
    ts.forEachChild(node, visit);
  }
  visit(source);
  return found;
}
