/*
 * The format (docs/format.md) in C on OpenSSL's libcrypto: the physical limit, as far as a careful program reaches it. Contexts are
 * made once, HMAC's padded keys are hashed once and their midstates copied, random bytes come from a pool, and OpenSSL picks the
 * processor's instructions. It reads the clock and makes every check of a reader, as the package does.
 *
 * A process that answers each line on its standard input with a line; program.js is its other end:
 *
 *   key <derived keys, hex>                                              -> ok
 *   seal <created-at> <issued-at> <15 random bytes, hex> <json, hex>     -> the token
 *   open <now> <token>                                                   -> ok <created-at> <issued-at> <json, hex>, or a reason
 *   time <seal | open | both> <json bytes> <ms>                          -> nanoseconds a call: the median of samples of 50 us
 *   version                                                              -> OpenSSL's
 *
 * One key, derived by the caller; no extensions: flags other than 0 are refused.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
  HEADER_BYTES = 32,
  TAG_BYTES = 32,
  RANDOM_BYTES = 15,
  DERIVED_BYTES = 66,
  MAX_PLAINTEXT_BYTES = 16320,
  MAX_RAW_BYTES = HEADER_BYTES + MAX_PLAINTEXT_BYTES + TAG_BYTES,
  MIN_TOKEN_CHARS = 86,
  MAX_TOKEN_CHARS = 21846,
  POOL_BYTES = 256 * RANDOM_BYTES,
  MAX_LINE = 3 * MAX_TOKEN_CHARS,
};

static const int64_t MAX_SKEW_MS = 60000;
static const int64_t TIMEOUT_MS = 86400000;

static void die(const char *what) {
  fprintf(stderr, "native: %s failed\n", what);
  exit(1);
}

/* ---- base64url: two characters a look-up out, four look-ups in --------------------------------------------------------------- */

static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static uint16_t pairs[4096];
/* A character's six bits, where they belong among 24; bit 31 for what is no such character. */
static uint32_t places[4][256];
static const uint32_t BAD = 0x80000000u;

static void make_tables(void) {
  for (int i = 0; i < 4096; i++) {
    const char two[2] = {ALPHABET[i >> 6], ALPHABET[i & 63]};
    memcpy(&pairs[i], two, 2);
  }
  for (int place = 0; place < 4; place++) {
    for (int i = 0; i < 256; i++) places[place][i] = BAD;
    for (uint32_t i = 0; i < 64; i++) places[place][(uint8_t)ALPHABET[i]] = i << (18 - 6 * place);
  }
}

static size_t encode(const uint8_t *in, size_t n, char *out) {
  char *to = out;
  for (; n >= 3; n -= 3, in += 3, to += 4) {
    memcpy(to, &pairs[in[0] << 4 | in[1] >> 4], 2);
    memcpy(to + 2, &pairs[(in[1] & 15) << 8 | in[2]], 2);
  }
  if (n == 0) return (size_t)(to - out);
  memcpy(to, &pairs[n == 2 ? in[0] << 4 | in[1] >> 4 : in[0] << 4], 2);
  if (n == 1) return (size_t)(to - out) + 2;
  to[2] = ALPHABET[(in[1] & 15) << 2];
  return (size_t)(to - out) + 3;
}

/* The one canonical spelling, or 0 for what is none. `chars` is not 1 modulo 4. */
static size_t decode(const char *text, size_t chars, uint8_t *out) {
  const uint8_t *in = (const uint8_t *)text;
  uint8_t *to = out;
  uint32_t all = 0;
  for (; chars >= 4; chars -= 4, in += 4, to += 3) {
    const uint32_t bits = places[0][in[0]] | places[1][in[1]] | places[2][in[2]] | places[3][in[3]];
    all |= bits;
    to[0] = (uint8_t)(bits >> 16);
    to[1] = (uint8_t)(bits >> 8);
    to[2] = (uint8_t)bits;
  }
  if (chars > 0) {
    const uint32_t bits = places[0][in[0]] | places[1][in[1]] | (chars == 3 ? places[2][in[2]] : 0);
    all |= bits;
    if (bits & (chars == 3 ? 0xffu : 0xffffu)) return 0;
    *to++ = (uint8_t)(bits >> 16);
    if (chars == 3) *to++ = (uint8_t)(bits >> 8);
  }
  return all & BAD ? 0 : (size_t)(to - out);
}

/* ---- keys -------------------------------------------------------------------------------------------------------------------- */

static struct {
  SHA256_CTX inner, outer; /* after HMAC's padded key */
  EVP_CIPHER_CTX *cipher;
  uint8_t id[2];
} key;

/* The 66 bytes that docs/format.md derives: cipher key, HMAC key, key id. */
static void set_key(const uint8_t *derived) {
  uint8_t pad[64];
  for (int i = 0; i < 64; i++) pad[i] = 0x36 ^ (i < 32 ? derived[32 + i] : 0);
  SHA256_Init(&key.inner);
  SHA256_Update(&key.inner, pad, 64);
  for (int i = 0; i < 64; i++) pad[i] ^= 0x36 ^ 0x5c;
  SHA256_Init(&key.outer);
  SHA256_Update(&key.outer, pad, 64);
  if (key.cipher == NULL) key.cipher = EVP_CIPHER_CTX_new();
  if (key.cipher == NULL || !EVP_EncryptInit_ex(key.cipher, EVP_chacha20(), NULL, derived, NULL)) die("EVP_chacha20");
  memcpy(key.id, derived + 64, 2);
}

static void tag_of(const uint8_t *message, size_t n, uint8_t *tag) {
  uint8_t digest[32];
  SHA256_CTX hash = key.inner;
  SHA256_Update(&hash, message, n);
  SHA256_Final(digest, &hash);
  hash = key.outer;
  SHA256_Update(&hash, digest, 32);
  SHA256_Final(tag, &hash);
}

static void xor_with(const uint8_t *nonce, const uint8_t *in, size_t n, uint8_t *out) {
  int written;
  if (!EVP_EncryptInit_ex(key.cipher, NULL, NULL, NULL, nonce)) die("EVP_EncryptInit_ex");
  if (!EVP_EncryptUpdate(key.cipher, out, &written, in, (int)n)) die("EVP_EncryptUpdate");
}

/* ---- seal and open ----------------------------------------------------------------------------------------------------------- */

static void write48(uint8_t *out, int64_t value) {
  for (int i = 0; i < 6; i++) out[i] = (uint8_t)(value >> (40 - 8 * i));
}

static int64_t read48(const uint8_t *in) {
  int64_t value = 0;
  for (int i = 0; i < 6; i++) value = value << 8 | in[i];
  return value;
}

/* Returns the token's length. */
static size_t seal(const uint8_t *json, size_t n, int64_t created_at, int64_t issued_at, const uint8_t *random, char *token) {
  static uint8_t raw[MAX_RAW_BYTES];
  raw[0] = 1;
  raw[1] = 0;
  memcpy(raw + 2, key.id, 2);
  write48(raw + 4, created_at < issued_at ? created_at : issued_at);
  write48(raw + 10, issued_at);
  raw[16] = 0;
  memcpy(raw + 17, random, RANDOM_BYTES);
  xor_with(raw + 16, json, n, raw + HEADER_BYTES);
  tag_of(raw, HEADER_BYTES + n, raw + HEADER_BYTES + n);
  return encode(raw, HEADER_BYTES + n + TAG_BYTES, token);
}

/* RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF. */
static int is_utf8(const uint8_t *at, size_t n) {
  const uint8_t *end = at + n;
  while (at < end) {
    uint64_t eight;
    while (end - at >= 8 && (memcpy(&eight, at, 8), !(eight & 0x8080808080808080u))) at += 8;
    if (at == end) break;
    const uint8_t lead = *at++;
    if (lead < 0x80) continue;
    const int more = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    if (lead < 0xc2 || lead > 0xf4 || end - at < more) return 0;
    if ((lead == 0xe0 && at[0] < 0xa0) || (lead == 0xed && at[0] > 0x9f)) return 0;
    if ((lead == 0xf0 && at[0] < 0x90) || (lead == 0xf4 && at[0] > 0x8f)) return 0;
    for (int i = 0; i < more; i++) {
      if ((*at++ & 0xc0) != 0x80) return 0;
    }
  }
  return 1;
}

/* NULL, or the reason. */
static const char *open_token(const char *token, size_t chars, int64_t now, uint8_t *json, size_t *n, int64_t *created, int64_t *issued) {
  static uint8_t raw[MAX_RAW_BYTES + 2];
  if (chars < MIN_TOKEN_CHARS || chars > MAX_TOKEN_CHARS || chars % 4 == 1) return "malformed";
  const size_t bytes = decode(token, chars, raw);
  if (bytes == 0) return "malformed";
  if (raw[0] != 1 || raw[1] != 0) return "unsupported";
  if (raw[16] != 0) return "malformed";
  if (memcmp(raw + 2, key.id, 2) != 0) return "unknown-key";
  uint8_t tag[32];
  tag_of(raw, bytes - TAG_BYTES, tag);
  if (CRYPTO_memcmp(tag, raw + bytes - TAG_BYTES, TAG_BYTES) != 0) return "bad-tag";
  *created = read48(raw + 4);
  *issued = read48(raw + 10);
  if (*created > *issued) return "malformed";
  if (*issued > now + MAX_SKEW_MS) return "not-yet-valid";
  if (now - *issued >= TIMEOUT_MS) return "expired";
  *n = bytes - HEADER_BYTES - TAG_BYTES;
  xor_with(raw + 16, raw + HEADER_BYTES, *n, json);
  return is_utf8(json, *n) ? NULL : "bad-payload";
}

/* ---- timing ------------------------------------------------------------------------------------------------------------------ */

static int64_t now_ms(void) {
  struct timespec at;
  clock_gettime(CLOCK_REALTIME, &at);
  return (int64_t)at.tv_sec * 1000 + at.tv_nsec / 1000000;
}

static double now_ns(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (double)at.tv_sec * 1e9 + (double)at.tv_nsec;
}

static const uint8_t *fresh(void) {
  static uint8_t pool[POOL_BYTES];
  static size_t next = POOL_BYTES;
  if (next == POOL_BYTES) {
    if (RAND_bytes(pool, POOL_BYTES) != 1) die("RAND_bytes");
    next = 0;
  }
  next += RANDOM_BYTES;
  return pool + next - RANDOM_BYTES;
}

static uint8_t plain[MAX_PLAINTEXT_BYTES], json[MAX_PLAINTEXT_BYTES];
static char token[MAX_TOKEN_CHARS + 1];

enum work { SEAL, OPEN, BOTH };

static size_t call(enum work work, size_t size, size_t chars) {
  size_t n;
  int64_t created, issued;
  if (work != OPEN) chars = seal(plain, size, 1700000000000, now_ms(), fresh(), token);
  if (work != SEAL && open_token(token, chars, now_ms(), json, &n, &created, &issued) != NULL) die("open");
  return chars;
}

static int by_size(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* As ../measure.js does it: so many calls that a sample takes about 50 us, and the samples' median. */
static double time_of(enum work work, size_t size, double ms) {
  enum { MOST = 100000 };
  static double samples[MOST];
  const size_t chars = call(BOTH, size, 0);
  const double begun = now_ns();
  for (int i = 0; i < 100; i++) call(work, size, chars);
  int batch = (int)(50000 / ((now_ns() - begun) / 100));
  if (batch < 1) batch = 1;
  const double end = now_ns() + ms * 1e6;
  int count = 0;
  do {
    const double from = now_ns();
    for (int i = 0; i < batch; i++) call(work, size, chars);
    samples[count++] = (now_ns() - from) / batch;
  } while (count < 3 || (count < MOST && now_ns() < end));
  qsort(samples, (size_t)count, sizeof *samples, by_size);
  return (samples[(count - 1) / 2] + samples[count / 2]) / 2;
}

/* ---- the conversation -------------------------------------------------------------------------------------------------------- */

static size_t from_hex(const char *hex, uint8_t *out, size_t most) {
  size_t n = 0;
  for (unsigned byte; n < most && sscanf(hex + 2 * n, "%2x", &byte) == 1; n++) out[n] = (uint8_t)byte;
  return n;
}

int main(void) {
  static char line[MAX_LINE], text[MAX_LINE];
  char word[16], hex[2 * DERIVED_BYTES + 1];
  long long first, second;
  make_tables();
  while (fgets(line, sizeof line, stdin) != NULL) {
    uint8_t derived[DERIVED_BYTES], random[RANDOM_BYTES];
    size_t n;
    double ms;
    if (sscanf(line, "key %132s", hex) == 1 && from_hex(hex, derived, sizeof derived) == sizeof derived) {
      set_key(derived);
      puts("ok");
    } else if (sscanf(line, "seal %lld %lld %30s %32640s", &first, &second, hex, text) == 4) {
      from_hex(hex, random, sizeof random);
      n = from_hex(text, plain, sizeof plain);
      token[seal(plain, n, first, second, random, token)] = 0;
      puts(token);
    } else if (sscanf(line, "open %lld %65000s", &first, text) == 2) {
      int64_t created, issued;
      const char *reason = open_token(text, strlen(text), first, json, &n, &created, &issued);
      if (reason != NULL) {
        puts(reason);
      } else {
        printf("ok %lld %lld ", (long long)created, (long long)issued);
        for (size_t i = 0; i < n; i++) printf("%02x", json[i]);
        puts("");
      }
    } else if (sscanf(line, "time %15s %zu %lf", word, &n, &ms) == 3 && n >= 11 && n <= sizeof plain) {
      memset(plain, 'a', n);
      memcpy(plain, "{\"user\":\"", 9);
      memcpy(plain + n - 2, "\"}", 2);
      printf("%.3f\n", time_of(word[0] == 's' ? SEAL : word[0] == 'o' ? OPEN : BOTH, n, ms));
    } else if (strcmp(line, "version\n") == 0) {
      puts(OpenSSL_version(OPENSSL_VERSION));
    } else {
      puts("what?");
    }
    fflush(stdout);
  }
  return 0;
}
