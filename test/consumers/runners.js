/** Jest, which loads CommonJS in a realm of its own. */
import { node } from './project.js'

/** @import { Consumer } from './consumers.js' */

/** @param {string} name @param {string} app @param {string[]} packages @param {object} config @returns {Consumer} */
const jest = (name, app, packages, config) => ({
  name,
  packages: ['jest', ...packages],
  async run(context) {
    context.copy(app)
    context.write('jest.config.json', config)
    await node(context, 'node_modules/jest/bin/jest.js', '--ci', '--no-cache', '--runInBand')
  },
})

export const runners = [
  jest('jest', 'jest', [], { testEnvironment: 'node' }),
  jest('jest-jsdom', 'jest', ['jest-environment-jsdom'], { testEnvironment: 'jsdom' }),
  jest('ts-jest', 'ts-jest', ['ts-jest', 'typescript', '@jest/globals', '@types/node', 'undici-types'], {
    preset: 'ts-jest',
    transform: {
      '\\.ts$': [
        'ts-jest',
        {
          tsconfig: {
            module: 'commonjs',
            esModuleInterop: true,
            strict: true,
            types: ['node'],
            ignoreDeprecations: '6.0',
          },
        },
      ],
    },
  }),
]
