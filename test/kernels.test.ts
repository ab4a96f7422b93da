/**
 * The kernel's primitives, each by itself and in both builds, against node:crypto and the RFCs' own vectors.
 * What the pipelines make of them is in kernels.seal.test.ts, what is left in memory in kernels.memory.test.ts.
 */
import { hkdfSync, pbkdf2Sync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { BUILDS, chacha20, derive, hmac, LENGTHS, load, noise, pointers, sha256 } from './helpers/kernels.ts'

const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ''), 'hex')
const DATA = noise(16_448, 'data')
const MARK = 0xa5

describe.each(BUILDS)('%s build', (_, file) => {
  const kernels = load(file)
  const { MESSAGE, TOKEN, SPARE } = pointers(kernels)
  const OUT = SPARE
  const KEY = SPARE + 64
  const NONCE = SPARE + 320
  const MIDSTATES = SPARE + 384

  describe('SHA-256', () => {
    const digest = (bytes: Uint8Array): Buffer => {
      kernels.sha256(MESSAGE, kernels.put(MESSAGE, bytes), OUT)
      return kernels.get(OUT, 32)
    }

    it.each([
      ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
      ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
      [
        'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
        '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
      ],
    ])('hashes FIPS 180 example %j', (text, expected) => {
      expect(digest(Buffer.from(text)).toString('hex')).toBe(expected)
    })

    it('agrees with node:crypto at every length', () => {
      for (const n of LENGTHS) {
        const bytes = DATA.subarray(0, n)
        if (!digest(bytes).equals(sha256(bytes))) expect.fail(`length ${n}`)
      }
    })

    it('writes no further than 80 bytes behind the message', () => {
      for (let n = 0; n <= 130; n++) {
        kernels.bytes.fill(MARK, MESSAGE, MESSAGE + 512)
        digest(DATA.subarray(0, n))
        const behind = kernels.get(MESSAGE + n + 80, 64)
        if (!behind.equals(Buffer.alloc(64, MARK))) expect.fail(`length ${n}`)
        if (!kernels.get(MESSAGE, n).equals(DATA.subarray(0, n))) expect.fail(`message of length ${n}`)
      }
    })
  })

  describe('HMAC-SHA256', () => {
    const tag = (key: Uint8Array, bytes: Uint8Array): Buffer => {
      kernels.setKey(KEY, kernels.put(KEY, key), MIDSTATES)
      kernels.hmac(MIDSTATES, MESSAGE, kernels.put(MESSAGE, bytes), OUT)
      return kernels.get(OUT, 32)
    }
    const LONG = 'This is a test using a larger than block-size key and a larger than block-size data. '

    // RFC 4231 section 4, but for test case 5, which truncates.
    it.each([
      [1, '0b'.repeat(20), 'Hi There', 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
      [
        2,
        '4a656665',
        'what do ya want for nothing?',
        '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
      ],
      [3, 'aa'.repeat(20), hex('dd'.repeat(50)), '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe'],
      [
        4,
        '0102030405060708090a0b0c0d0e0f10111213141516171819',
        hex('cd'.repeat(50)),
        '82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b',
      ],
      [
        6,
        'aa'.repeat(131),
        'Test Using Larger Than Block-Size Key - Hash Key First',
        '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
      ],
      [
        7,
        'aa'.repeat(131),
        `${LONG}The key needs to be hashed before being used by the HMAC algorithm.`,
        '9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2',
      ],
    ])('passes RFC 4231 test case %i', (_, key, data, expected) => {
      expect(tag(hex(key), Buffer.from(data as string)).toString('hex')).toBe(expected)
    })

    it('agrees with node:crypto at every length of the message', () => {
      const key = noise(32, 'key')
      for (const n of LENGTHS) {
        const bytes = DATA.subarray(0, n)
        if (!tag(key, bytes).equals(hmac(key, bytes))) expect.fail(`length ${n}`)
      }
    })

    it('agrees with node:crypto at every length of the key', () => {
      const bytes = DATA.subarray(0, 100)
      for (let n = 0; n <= 180; n++) {
        const key = noise(n, 'key')
        if (!tag(key, bytes).equals(hmac(key, bytes))) expect.fail(`key length ${n}`)
      }
    })
  })

  describe('key derivation', () => {
    it('passes RFC 5869 test case 3 (no salt, no info)', () => {
      kernels.extract(kernels.put(MESSAGE, hex('0b'.repeat(22))))
      kernels.expand(0, 1)
      const t1 = kernels.get(kernels.CHAIN.value, 32)
      kernels.expand(0, 2)
      const t2 = kernels.get(kernels.CHAIN.value, 10)
      expect(Buffer.concat([t1, t2]).toString('hex')).toBe(
        '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
      )
    })

    it('fills a slot as hkdfSync does, at every length of secret and info, and touches no other', () => {
      const { KEYRING } = pointers(kernels)
      for (let n = 0; n <= 200; n++) {
        const secret = noise(n, 'secret')
        const info = noise((n * 37) % 276, 'info')
        const slot = n % 64
        kernels.bytes.fill(MARK, KEYRING, KEYRING + 64 * 144)
        derive(kernels, secret, info, slot)
        const okm = Buffer.from(hkdfSync('sha256', secret, '', info, 66))
        const [before, filled, after] = [
          kernels.get(KEYRING, slot * 144),
          kernels.get(KEYRING + slot * 144, 144),
          kernels.get(KEYRING + slot * 144 + 144, (63 - slot) * 144),
        ]
        expect(filled.subarray(0, 32).equals(okm.subarray(0, 32)), `cipherKey ${n}`).toBe(true)
        const innerKey = okm.subarray(32, 64).map((byte) => byte ^ 0x36)
        expect(filled.subarray(96, 128).equals(innerKey), `inner key ${n}`).toBe(true)
        expect(filled.subarray(128).equals(Buffer.concat([okm.subarray(64), Buffer.alloc(14)])), `id ${n}`).toBe(true)
        expect(Buffer.concat([before, after]).every((byte) => byte === MARK)).toBe(true)
        kernels.hmac(KEYRING + slot * 144 + 32, MESSAGE, kernels.put(MESSAGE, 'message'), OUT)
        expect(kernels.get(OUT, 32).equals(hmac(okm.subarray(32, 64), Buffer.from('message'))), `macKey ${n}`).toBe(
          true,
        )
      }
    })

    it('derives from the longest secret, and leaves the slot as it is where a length or the slot is out of range', () => {
      const { KEYRING } = pointers(kernels)
      const secret = DATA.subarray(0, 16_384)
      derive(kernels, secret, Buffer.from('info'), 0)
      const cipherKey = kernels.get(KEYRING, 32)
      expect(cipherKey.equals(Buffer.from(hkdfSync('sha256', secret, '', 'info', 32)))).toBe(true)
      for (const [n, m, slot] of [
        [16_385, 4, 0],
        [-1, 4, 0],
        [32, 276, 0],
        [32, -1, 0],
        [32, 4, 64],
        [32, 4, 70],
        [32, 4, -1],
        [0x7fffffff, 0x7fffffff, 0x7fffffff],
      ] as const) {
        const before = kernels.get(KEYRING, 64 * 144)
        kernels.put(MESSAGE, DATA.subarray(0, 64))
        kernels.derive(n, m, slot)
        expect(kernels.get(KEYRING, 64 * 144).equals(before), `${n} ${m} ${slot}`).toBe(true)
        const free = KEYRING + 64 * 144
        expect(kernels.get(free, MESSAGE - free).every((byte) => byte === 0)).toBe(true)
        expect(kernels.get(MESSAGE, 64).equals(Buffer.alloc(64))).toBe(true)
      }
    })

    // RFC 7914 section 11, first 32 bytes each.
    it.each([
      ['passwd', 'salt', 1, '55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc'],
      ['Password', 'NaCl', 80_000, '4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56'],
    ])('passes the PBKDF2 vector %j, %j, %i', (password, salt, iterations, expected) => {
      kernels.pbkdf2(kernels.put(MESSAGE, password), kernels.put(TOKEN, salt), iterations)
      expect(kernels.get(kernels.DIGEST.value, 32).toString('hex')).toBe(expected)
    })

    it('stretches as pbkdf2Sync does', () => {
      for (const n of [0, 1, 31, 32, 63, 64, 65, 200, 16_384]) {
        for (const iterations of [1, 2, 3, 100]) {
          const secret = DATA.subarray(0, n)
          kernels.stretch(kernels.put(MESSAGE, secret), iterations)
          const expected = pbkdf2Sync(secret, 'cookie-sessions v1', iterations, 32, 'sha256')
          expect(kernels.get(MESSAGE, 32).equals(expected), `${n} x ${iterations}`).toBe(true)
        }
      }
      for (const n of [-1, 16_385, 0x7fffffff]) {
        kernels.put(MESSAGE, DATA.subarray(0, 64))
        kernels.stretch(n, 10)
        expect(kernels.get(MESSAGE, 64).equals(Buffer.alloc(64))).toBe(true)
      }
    })
  })

  describe('ChaCha20', () => {
    const xor = (key: Uint8Array, nonce: Uint8Array, bytes: Uint8Array): Buffer => {
      kernels.put(KEY, key)
      kernels.put(NONCE, nonce)
      kernels.put(MESSAGE + 32, bytes)
      kernels.chacha20(KEY, NONCE, MESSAGE + 32, bytes.length)
      return kernels.get(MESSAGE + 32, bytes.length)
    }
    const iv = (counter: number, nonce: Uint8Array): Buffer => {
      const bytes = Buffer.alloc(16)
      bytes.writeUInt32LE(counter)
      bytes.set(nonce, 4)
      return bytes
    }
    const COUNTING = Buffer.from(Array.from({ length: 32 }, (_, i) => i))
    const ONE = hex(`${'00'.repeat(31)}01`)
    const TWO = hex('000000000000000000000002')
    const ZERO = Buffer.alloc(32)
    const ZERO_BLOCK = `76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7
                        da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586`

    // RFC 8439: the block function (section 2.3.2, appendix A.1), as the encryption of zeros.
    it.each([
      [
        'section 2.3.2',
        COUNTING,
        iv(1, hex('000000090000004a00000000')),
        `10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e
         d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e`,
      ],
      ['A.1 #1', ZERO, iv(0, Buffer.alloc(12)), ZERO_BLOCK],
      [
        'A.1 #2',
        ZERO,
        iv(1, Buffer.alloc(12)),
        `9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed
         29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f`,
      ],
      [
        'A.1 #3',
        ONE,
        iv(1, Buffer.alloc(12)),
        `3aeb5224ecf849929b9d828db1ced4dd832025e8018b8160b82284f3c949aa5a
         8eca00bbb4a73bdad192b5c42f73f2fd4e273644c8b36125a64addeb006c13a0`,
      ],
      [
        'A.1 #4',
        hex(`00ff${'00'.repeat(30)}`),
        iv(2, Buffer.alloc(12)),
        `72d54dfbf12ec44b362692df94137f328fea8da73990265ec1bbbea1ae9af0ca
         13b25aa26cb4a648cb9b9d1be65b2c0924a66c54d545ec1b7374f4872e99f096`,
      ],
      [
        'A.1 #5',
        ZERO,
        iv(0, TWO),
        `c2c64d378cd536374ae204b9ef933fcd1a8b2288b3dfa49672ab765b54ee27c7
         8a970e0e955c14f3a88e741b97c286f75f8fc299e8148362fa198a39531bed6d`,
      ],
    ])('passes the RFC 8439 block vector %s', (_, key, nonce, expected) => {
      expect(xor(key, nonce, Buffer.alloc(64)).toString('hex')).toBe(hex(expected).toString('hex'))
    })

    const SUNSCREEN =
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."
    const JABBERWOCKY =
      "'Twas brillig, and the slithy toves\nDid gyre and gimble in the wabe:\nAll mimsy were the borogoves,\nAnd the mome raths outgrabe."

    it.each([
      ['A.2 #1', ZERO, iv(0, Buffer.alloc(12)), Buffer.alloc(64), ZERO_BLOCK],
      [
        'section 2.4.2',
        COUNTING,
        iv(1, hex('000000000000004a00000000')),
        Buffer.from(SUNSCREEN),
        `6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9fae0bf91b65c5524733ab8f593dabcd62b3571639d624e65152ab
         8f530c359f0861d807ca0dbf500d6a6156a38e088a22b65e52bc514d16ccf806818ce91ab77937365af90bbf74a35be6b40b8eedf2785e42
         874d`,
      ],
      [
        'A.2 #3',
        hex('1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0'),
        iv(42, TWO),
        Buffer.from(JABBERWOCKY),
        `62e6347f95ed87a45ffae7426f27a1df5fb69110044c0d73118effa95b01e5cf166d3df2d721caf9b21e5fb14c616871fd84c54f9d65b283
         196c7fe4f60553ebf39c6402c42234e32a356b3e764312a61a5532055716ead6962568f87d3f3f7704c6a8d1bcd1bf4d50d6154b6da731b1
         87b58dfd728afa36757a797ac188d1`,
      ],
    ])('passes the RFC 8439 encryption vector %s', (_, key, nonce, plaintext, expected) => {
      expect(xor(key, nonce, plaintext).toString('hex')).toBe(hex(expected).toString('hex'))
    })

    it('agrees with node:crypto at every length', () => {
      const key = noise(32, 'key')
      const nonce = iv(0, noise(12, 'nonce'))
      for (const n of LENGTHS) {
        const bytes = DATA.subarray(0, n)
        if (!xor(key, nonce, bytes).equals(chacha20(key, nonce, bytes))) expect.fail(`length ${n}`)
      }
    })

    it('agrees with node:crypto at the counters where a byte carries, up to the last block', () => {
      const key = noise(32, 'key')
      for (const boundary of [0x100, 0x10000, 0x1000000, 0x80000000, 0x100000000]) {
        for (let blocks = 1; blocks <= 9; blocks++) {
          const nonce = iv(boundary - blocks, noise(12, 'nonce'))
          const crosses = boundary < 0x100000000 ? 192 : 0
          const bytes = DATA.subarray(0, blocks * 64 + crosses)
          if (!xor(key, nonce, bytes).equals(chacha20(key, nonce, bytes))) expect.fail(`${boundary} - ${blocks}`)
        }
      }
      const nonce = iv(0xffffff00, noise(12, 'nonce'))
      const bytes = DATA.subarray(0, 16_320)
      expect(xor(key, nonce, bytes).equals(chacha20(key, nonce, bytes))).toBe(true)
    })

    it('wraps the counter at 32 bits, as RFC 8439 has it', () => {
      const key = noise(32, 'key')
      const rest = noise(12, 'nonce')
      for (let blocks = 2; blocks <= 9; blocks++) {
        const stream = xor(key, iv(0xffffffff, rest), Buffer.alloc(blocks * 64))
        expect(stream.subarray(64).equals(chacha20(key, iv(0, rest), Buffer.alloc(blocks * 64 - 64)))).toBe(true)
      }
    })

    it('writes no further than 128 bytes behind the message, and only zeros', () => {
      for (let n = 0; n <= 520; n++) {
        kernels.bytes.fill(MARK, MESSAGE + 32, MESSAGE + 32 + n + 256)
        xor(noise(32, 'key'), noise(16, 'nonce'), DATA.subarray(0, n))
        const behind = kernels.get(MESSAGE + 32 + n, 256)
        const zeros = behind.findIndex((byte) => byte !== 0)
        if (zeros > 128 || !behind.subarray(zeros).every((byte) => byte === MARK)) expect.fail(`length ${n}`)
      }
    })
  })

  describe('base64url', () => {
    const encode = (bytes: Uint8Array): string => {
      const length = kernels.encode(MESSAGE, kernels.put(MESSAGE, bytes), TOKEN)
      return kernels.get(TOKEN, length).toString('latin1')
    }
    const decode = (text: string): Buffer | null => {
      const length = kernels.decode(TOKEN, kernels.put(TOKEN, Buffer.from(text, 'latin1')), MESSAGE)
      return length < 0 ? null : kernels.get(MESSAGE, length)
    }

    it.each([
      ['', ''],
      ['f', 'Zg'],
      ['fo', 'Zm8'],
      ['foo', 'Zm9v'],
      ['foob', 'Zm9vYg'],
      ['fooba', 'Zm9vYmE'],
      ['foobar', 'Zm9vYmFy'],
    ])('passes the RFC 4648 section 10 vector %j', (text, expected) => {
      expect(encode(Buffer.from(text))).toBe(expected)
      expect(decode(expected)).toEqual(Buffer.from(text))
    })

    it('encodes and decodes as node does at every length, whatever stands behind', () => {
      for (const n of [...LENGTHS, 16_384]) {
        const bytes = DATA.subarray(0, n)
        const text = bytes.toString('base64url')
        kernels.bytes.fill(0xff, MESSAGE + n, MESSAGE + n + 32)
        if (encode(bytes) !== text) expect.fail(`encode ${n}`)
        kernels.bytes.fill(0xff, TOKEN + text.length, TOKEN + text.length + 32)
        if (!decode(text)?.equals(bytes)) expect.fail(`decode ${n}`)
      }
    })

    it('writes no further than 15 bytes behind a text and 16 behind the bytes', () => {
      for (let n = 0; n <= 100; n++) {
        kernels.bytes.fill(MARK, TOKEN, TOKEN + 256)
        const length = encode(DATA.subarray(0, n)).length
        if (!kernels.get(TOKEN + length + 15, 64).every((byte) => byte === MARK)) expect.fail(`encode ${n}`)
        kernels.bytes.fill(MARK, MESSAGE, MESSAGE + 256)
        decode(DATA.subarray(0, n).toString('base64url'))
        if (!kernels.get(MESSAGE + n + 16, 64).every((byte) => byte === MARK)) expect.fail(`decode ${n}`)
      }
    })

    it('refuses every byte that is not of the alphabet, at every place, and takes every one that is', () => {
      for (const length of [2, 3, 4, 16, 20, 22, 23, 64]) {
        const text = Buffer.from('A'.repeat(length))
        for (let at = 0; at < length; at++) {
          for (let byte = 0; byte < 256; byte++) {
            text[at] = byte
            const given = text.toString('latin1')
            const bytes = Buffer.from(given, 'base64url')
            const isCanonical = /^[\w-]*$/.test(given) && bytes.toString('base64url') === given
            const decoded = decode(given)
            if (isCanonical ? !decoded?.equals(bytes) : decoded !== null) expect.fail(`${byte} at ${at} of ${length}`)
          }
          text[at] = 0x41
        }
      }
    })

    it('refuses spare bits that are not zero, and one character too many', () => {
      for (let n = 0; n < 64; n++) {
        const body = DATA.subarray(0, n).toString('base64url')
        expect(decode(`${body.slice(0, body.length & ~3)}A`), `one character behind ${body.length}`).toBe(null)
      }
      const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
      for (const head of ['', 'AAAA', 'AAAAAAAAAAAA', 'A'.repeat(16), 'A'.repeat(36)]) {
        for (let value = 0; value < 64; value++) {
          const last = alphabet[value]
          expect(decode(`${head}A${last}`) !== null, `${head}A${last}`).toBe(value % 16 === 0)
          expect(decode(`${head}AA${last}`) !== null, `${head}AA${last}`).toBe(value % 4 === 0)
          expect(decode(`${head}AAA${last}`) !== null, `${head}AAA${last}`).toBe(true)
        }
      }
    })

    it.each(['Zg==', 'Zm8=', 'Zm9v=', 'Zm9v\n', ' Zm9v', 'Zm+v', 'Zm/v', 'Zm9v\0\0\0\0'])('refuses %j', (text) => {
      expect(decode(text)).toBe(null)
    })
  })

  it('compares 32 bytes, every bit of them', () => {
    kernels.put(KEY, DATA.subarray(0, 32))
    kernels.put(OUT, DATA.subarray(0, 32))
    expect(kernels.equal(KEY, OUT)).toBe(1)
    for (let bit = 0; bit < 256; bit++) {
      const other = Buffer.from(DATA.subarray(0, 32))
      other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      kernels.put(OUT, other)
      expect(kernels.equal(KEY, OUT), `bit ${bit}`).toBe(0)
    }
  })
})
