import { readdirSync } from 'node:fs';
import { defineConfig } from 'eslint/config';
import rxjs from 'eslint-plugin-rxjs-x';
import ts from 'typescript-eslint';

// Which room may import from which is written here; ARCHITECTURE.md says why.

/** What stands on top of the brokers: frameworks, the command, what helps specs. */
const adapters = ['angular', 'cli', 'nest', 'opentelemetry', 'testing'];

const brokers = readdirSync(new URL('./lib', import.meta.url), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !['core', 'codec', 'operators', ...adapters].includes(entry.name))
  .map((entry) => entry.name);

/** Brokers that run in Node alone, because of what they connect over. Their codecs run anywhere. */
const nodeOnly = ['rabbitmq-stream', 'liftbridge'];

const noNode = {
  regex: '^node:|^(assert|buffer|crypto|dns|events|fs|net|os|path|process|stream|timers|tls|url|util|zlib)(/|$)',
  message: 'lib/ runs in browsers too: no module of Node.',
};
const nodeByPrefix = { regex: noNode.regex.replace('^node:|', ''), message: 'A module of Node has the prefix node:.' };
const noRxjs = {
  regex: '^rxjs(/|$)',
  message: 'Wire and connection code knows bytes, callbacks and promises, not RxJS.',
};
const noOwnName = { regex: '^rx-weir(/|$)', message: 'Inside of the package, import the file.' };

/** The import rule for one room: what is forbidden there. */
const room = (name, files, ...forbidden) => ({
  name: `rx-weir/${name}`,
  files,
  rules: {
    '@typescript-eslint/no-restricted-imports': ['error', { patterns: [noOwnName, ...forbidden] }],
  },
});

const anyOf = (names) => `(${names.join('|')})`;
const otherBrokers = (own) => ({
  regex: `^(\\.\\./)+${anyOf(brokers.filter((name) => name !== own).concat('no-such-room'))}(/|$)`,
  message: 'A broker knows no other broker; what both need belongs into lib/core.',
});
const anyBroker = { ...otherBrokers(), message: 'This room knows no broker.' };

/** The rooms above, and the files that put the rooms together. */
const above = (...rooms) => ({
  regex: `^(\\.\\./)+(${anyOf(rooms)}/|(broker|browser|create|index)\\.js$)`,
  message: 'Imports point one way: codec, auth, connection, session, group, source and sink, broker, index.',
});
const upward = (...rooms) => ({ ...above(...rooms), allowTypeImports: true });

const aboveTheStore = {
  regex: '^\\.\\./(?!\\.\\./)',
  message: 'The store is a server: it knows nothing of the handles that use it.',
};

/** For a folder that lies so deep inside of the codec: the codec's own files, those of the wire, and the errors. */
const codecAlone = (depth) => {
  const own = ['./', '../', '../../'].slice(0, depth + 1).map((path) => `${path.replaceAll('.', '\\.')}(?!\\.)`);
  const shared = `${'\\.\\./'.repeat(depth + 2)}core/(errors\\.js$|wire/[a-z0-9-]+\\.js$)`;
  return {
    regex: `^(?!${[...own, shared].join('|')})`,
    message: 'A wire codec is made of codec files, lib/core/wire and lib/core/errors.ts alone.',
  };
};

const wireAlone = {
  regex: '^(?!\\./(?!\\.)|\\.\\./errors\\.js$)',
  message: 'What the wire codecs share is made of its own files and lib/core/errors.ts alone.',
};

// a file in a room has that room's rule instead of its broker's
const brokerRooms = brokers.flatMap((name) => {
  const everywhere = [nodeOnly.includes(name) ? nodeByPrefix : noNode, otherBrokers(name)];
  const wire = [...everywhere, noRxjs];
  const inRoom = (title, ...forbidden) => room(`${name}/${title}`, [`lib/${name}/${title}/**/*.ts`], ...forbidden);
  return [
    room(name, [`lib/${name}/**/*.ts`], ...everywhere),
    inRoom('auth', ...wire, upward('connection', 'session', 'source', 'sink')),
    inRoom('store', ...wire, aboveTheStore),
    inRoom('connection', ...wire, upward('session', 'group', 'source', 'sink')),
    inRoom('session', ...wire, upward('group', 'source', 'sink')),
    inRoom('group', ...wire, above('source', 'sink')),
    inRoom('source', ...everywhere, above('sink')),
    inRoom('sink', ...everywhere, above('group', 'source')),
    ...[0, 1, 2].map((depth) =>
      room(`${name}/codec at ${depth}`, [`lib/${name}/codec/${'*/'.repeat(depth)}*.ts`], codecAlone(depth)),
    ),
  ];
});

/** Adapters know what all brokers share; one that needs a broker by name says so here. */
const adapterRooms = [
  room('angular', ['lib/angular/**/*.ts'], noNode, anyBroker),
  room('cli', ['lib/cli/**/*.ts'], nodeByPrefix),
  room('nest', ['lib/nest/**/*.ts'], nodeByPrefix, otherBrokers('memory')),
  room('opentelemetry', ['lib/opentelemetry/**/*.ts'], noNode, anyBroker),
  room('testing', ['lib/testing/**/*.ts'], noNode, otherBrokers('memory')),
];

/** Rooms of brokers that run in pages too, for what only one platform has. */
const platformRooms = [
  room('lonelyps/node', ['lib/lonelyps/node/**/*.ts', 'lib/lonelyps/index.ts'], nodeByPrefix, otherBrokers('lonelyps')),
  room('lonelyps/browser', ['lib/lonelyps/browser/**/*.ts'], noNode, otherBrokers('lonelyps'), noRxjs),
];

const notThere = (names, message) => names.map((name) => ({ name, message }));
const noGlobalsOfNode = notThere(['Buffer', 'process', 'setImmediate', 'clearImmediate'], 'lib/ runs in browsers too.');
const noGlobalsOfCommonJs = notThere(['global', 'require', '__dirname', '__filename'], 'lib/ is made of ES modules.');

const noDollar = {
  selector:
    ':matches(ExportNamedDeclaration > :matches(FunctionDeclaration, ClassDeclaration, TSInterfaceDeclaration, TSTypeAliasDeclaration) > Identifier.id[name=/\\$/], ExportNamedDeclaration > VariableDeclaration > VariableDeclarator > Identifier.id[name=/\\$/], :matches(PropertyDefinition, MethodDefinition, TSPropertySignature, TSMethodSignature) > Identifier.key[name=/\\$/])',
  message: 'No $ in exported names, options or members.',
};
const noExportAll = {
  selector: 'ExportAllDeclaration',
  message: 'Export by name, so that the public face is one list.',
};
const noEnum = { selector: 'TSEnumDeclaration', message: 'A union of strings, or a const object with one.' };

export default defineConfig(
  { name: 'rx-weir/ignored', ignores: ['dist/', 'coverage/', 'temp/', '**/node_modules/', 'spec/nest/apps/'] },
  {
    name: 'rx-weir/all',
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: 'error',
      'no-cond-assign': 'error',
      'no-constant-condition': ['error', { checkLoops: 'allExceptWhileTrue' }],
      'no-debugger': 'error',
      'no-duplicate-imports': ['error', { allowSeparateTypeImports: true }],
      'no-fallthrough': 'error',
      'no-self-compare': 'error',
      'no-unreachable': 'error',
      'no-unsafe-finally': 'error',
      'no-useless-escape': 'error',
      'no-var': 'error',
      'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx'] }],
      'object-shorthand': 'error',
      'prefer-const': ['error', { destructuring: 'all' }],
      'prefer-object-has-own': 'error',
    },
  },
  {
    name: 'rx-weir/typescript',
    files: ['**/*.ts'],
    extends: [ts.configs.strictTypeChecked, ts.configs.stylisticTypeChecked, rxjs.configs.recommended],
    languageOptions: {
      parserOptions: {
        project: ['./tsconfig.json', './examples/browser/tsconfig.json', './examples/angular/tsconfig.json'],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidOperator: true, ignoreVoidReturningFunctions: true },
      ],
      // RxJS marks the constructor of Subscriber as internal to come; an operator without an object per message needs it
      '@typescript-eslint/no-deprecated': ['error', { allow: ['Subscriber', 'super'] }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        {
          args: 'all',
          argsIgnorePattern: '^_',
          varsIgnorePattern: '^_',
          caughtErrors: 'all',
          caughtErrorsIgnorePattern: '^_',
          ignoreRestSiblings: true,
        },
      ],
      '@typescript-eslint/prefer-nullish-coalescing': ['error', { ignorePrimitives: { string: true } }],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true, allow: ['Error', 'URL'] },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/unified-signatures': ['error', { ignoreDifferentlyNamedParameters: true }],
      // a Promise or an Observable fails with what the user's own code threw, whatever that is
      '@typescript-eslint/prefer-promise-reject-errors': ['error', { allowThrowingUnknown: true }],
      'rxjs-x/throw-error': ['error', { allowThrowingUnknown: true }],
      // callers without types give anything, so the checks of options ask what the types exclude
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // an index within bounds that were just checked; which of the two forms reads better depends on the place
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      // a getter lives once, on the prototype; a handle of a handle is made with Object.create
      '@typescript-eslint/class-literal-property-style': 'off',
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // taste
      '@typescript-eslint/consistent-type-definitions': 'off',
      '@typescript-eslint/no-invalid-void-type': 'off',
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      '@typescript-eslint/prefer-function-type': 'off',
      'no-restricted-syntax': ['error', noEnum, noExportAll],
    },
  },
  {
    name: 'rx-weir/lib',
    files: ['lib/**/*.ts'],
    rules: {
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      'no-console': 'error',
      'no-restricted-globals': ['error', ...noGlobalsOfNode, ...noGlobalsOfCommonJs],
      'no-restricted-syntax': ['error', noEnum, noExportAll, noDollar],
    },
  },
  {
    name: 'rx-weir/node-only',
    files: [...[...nodeOnly, 'cli', 'nest'].map((name) => `lib/${name}/**/*.ts`), 'lib/lonelyps/node/**/*.ts'],
    ignores: ['lib/*/codec/**'],
    rules: { 'no-restricted-globals': ['error', ...noGlobalsOfCommonJs] },
  },
  room('all', ['lib/**/*.ts'], noNode),
  room('core', ['lib/core/**/*.ts'], noNode, anyBroker),
  room('core/wire', ['lib/core/wire/**/*.ts'], wireAlone),
  room('operators', ['lib/operators/**/*.ts'], noNode, anyBroker),
  room('codecs', ['lib/codec/**/*.ts'], noNode, anyBroker, noRxjs),
  ...brokerRooms,
  ...platformRooms,
  ...adapterRooms,
  {
    name: 'rx-weir/specs',
    files: ['spec/**/*.ts', 'bench/**/*.ts', 'examples/**/*.ts'],
    rules: {
      // chai's expect(x).to.be.true is an expression
      '@typescript-eslint/no-unused-expressions': 'off',
      '@typescript-eslint/no-dynamic-delete': 'off',
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/no-meaningless-void-operator': 'off',
      '@typescript-eslint/no-misused-spread': 'off',
      '@typescript-eslint/no-unnecessary-type-assertion': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/unbound-method': 'off',
      'rxjs-x/no-nested-subscribe': 'off',
      'rxjs-x/no-redundant-notify': 'off',
      // what a server's JSON or another library gives is any; the spec's expectation is the check
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      // a spec fails with a plain string to see the same string come out
      '@typescript-eslint/only-throw-error': 'off',
      '@typescript-eslint/prefer-promise-reject-errors': 'off',
      'rxjs-x/throw-error': 'off',
    },
  },
  {
    // a module of Nest is a class without members
    name: 'rx-weir/nest-apps',
    files: ['spec/nest/**/*.ts', 'examples/nest-*.ts'],
    rules: { '@typescript-eslint/no-extraneous-class': 'off' },
  },
  {
    name: 'rx-weir/type-specs',
    files: ['spec/types/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unused-vars': 'off',
      '@typescript-eslint/ban-ts-comment': ['error', { 'ts-expect-error': 'allow-with-description' }],
    },
  },
);
