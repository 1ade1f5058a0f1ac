// tokenizer.h: text to token ids and back, from a Hugging Face tokenizer.json: byte-level BPE, as Qwen2 and
// 2.5, Llama 3, SmolLM2 and GPT-2 have it. Ids are those of the tokenizers package.
//
// Refuses, by name: every other kind of tokenizer (SentencePiece, Llama-2's byte_fallback, WordPiece),
// patterns that PCRE2 and Oniguruma (that package's engine) would read differently, text that is not UTF-8,
// and to drop a byte silently, as that package does where the vocabulary lacks one. Unicode is as new as the
// installed PCRE2 and utf8proc; that package's NFC is older and leaves newer combining marks unsorted.
// Read from the bottom: sb_tokenizer_open, _encode, _decode; then how a file is read. bpe.h: the algorithm.
#ifndef SB_TOKENIZER_H
#define SB_TOKENIZER_H
#include "bpe.h"
#include "json.h"

// ---- the file: vocabulary and merges

static SB_NORETURN void sb_bpe_refuse(const char *path, const char *part, const char *found,
                                      const char *known) {
    sb_die("%s: %s \"%.60s\" is not supported, only byte-level BPE with %s", path, part, found, known);
}

// true or false; missing or null: otherwise.
static int sb_bpe_flag(const cJSON *object, const char *field, int otherwise, const char *where) {
    const cJSON *v = sb_json_optional(object, field, where);
    if (!v || cJSON_IsNull(v)) return otherwise;
    if (!cJSON_IsBool(v)) sb_json_wrong(v, field, "true or false", where);
    return cJSON_IsTrue(v);
}

// A field that only an empty value switches off: null, "", 0, false or missing.
static void sb_bpe_unused(const cJSON *model, const char *field, const char *where) {
    const cJSON *v = sb_json_optional(model, field, where);
    if (!v || cJSON_IsNull(v) || cJSON_IsFalse(v) || (cJSON_IsString(v) && !*v->valuestring) ||
        (cJSON_IsNumber(v) && v->valuedouble == 0)) return;
    sb_die("%s: the model's %s is not supported, only plain byte-level BPE", where, field);
}

// Claim an id, of 0 .. count-1, for a text.
static int sb_bpe_claim(const char **key, int count, double id, const char *text, const char *path) {
    if (id != floor(id) || id < 0 || id >= count)
        sb_die("%s: token \"%.60s\": expected an id from 0 to %d (ids have no holes), found %g", path, text,
               count - 1, id);
    const char **mine = key + (int)id;
    if (*mine && strcmp(*mine, text))
        sb_die("%s: tokens \"%.60s\" and \"%.60s\" have the same id %d", path, *mine, text, (int)id);
    *mine = text;
    return (int)id;
}

// Every id's text, [t->n]; coded[id]: it is one of the vocabulary, in the characters of bytes. Both are the
// caller's to free.
static const char **sb_bpe_keys(SbTokenizer *t, const cJSON *vocabulary, unsigned char **coded) {
    int entries = cJSON_GetArraySize(vocabulary), count = entries + t->adds;
    const char **key = (const char **)sb_calloc((size_t)count, sizeof *key);
    *coded = (unsigned char *)sb_calloc((size_t)count, 1);
    if (!entries) sb_die("%s: the vocabulary is empty", t->path);
    for (const cJSON *v = vocabulary->child; v; v = v->next) {
        if (!cJSON_IsNumber(v)) sb_json_wrong(v, v->string, "an id", t->path);
        (*coded)[sb_bpe_claim(key, count, v->valuedouble, v->string, t->path)] = 1;
    }
    for (int i = 0; i < t->adds; i++)
        sb_bpe_claim(key, count, t->added[i].id, t->added[i].text, t->path);
    for (int i = 0; i < count; i++) t->n += key[i] != NULL;
    for (int i = 0; i < t->n; i++)
        if (!key[i]) sb_die("%s: no token has the id %d, though there are %d tokens", t->path, i, t->n);
    return key;
}

// All tokens: bytes, ids, the hash table. An added token that is not in the vocabulary too is plain text.
static void sb_bpe_vocabulary(SbTokenizer *t, const cJSON *vocabulary) {
    unsigned char *coded;
    const char **key = sb_bpe_keys(t, vocabulary, &coded);
    t->start = (size_t *)sb_calloc((size_t)t->n + 1, sizeof *t->start);
    t->special = (unsigned char *)sb_calloc((size_t)t->n, 1);
    for (t->slots = 16; t->slots < 2 * (uint32_t)t->n;) t->slots *= 2;
    t->slot = (int *)sb_realloc(NULL, t->slots * sizeof *t->slot);
    memset(t->slot, 255, t->slots * sizeof *t->slot);
    for (int i = 0; i < t->n; i++) {
        size_t size = strlen(key[i]), begin = t->start[i] = t->bytes.size;
        coded[i] = coded[i] && size && sb_bpe_raw(&t->bytes, key[i], size);
        if (!coded[i]) sb_text_bytes(&t->bytes, key[i], size);
        t->start[i + 1] = t->bytes.size;
        if (!coded[i]) continue;
        int *slot = sb_bpe_slot(t, t->bytes.data + begin, t->bytes.size - begin);
        if (*slot >= 0) sb_die("%s: token \"%.60s\" has two ids, %d and %d", t->path, key[i], *slot, i);
        *slot = i;
    }
    SbText raw = {NULL, 0, 0};
    for (int i = 0; i < t->adds; i++) {
        const SbBpeAdded *a = t->added + i;
        raw.size = 0;
        int same = sb_bpe_raw(&raw, a->text, a->size) ? *sb_bpe_slot(t, raw.data, raw.size) : a->id;
        if (same >= 0 && same != a->id)
            sb_die("%s: token \"%.60s\" has two ids, %d and %d", t->path, a->text, same, a->id);
        t->special[a->id] = (unsigned char)a->special;
    }
    free(raw.data);
    free(key);
    free(coded);
}

// The id of a part of merge number rank, written in the vocabulary's characters.
static int sb_bpe_part(SbTokenizer *t, SbText *scratch, const char *text, size_t size, int rank) {
    scratch->size = 0;
    int bytes = sb_bpe_raw(scratch, text, size), id = size && bytes ? *sb_bpe_slot(t, scratch->data,
                                                                                scratch->size) : -1;
    if (id < 0) sb_die("%s: merge %d: \"%.*s\" is not in the vocabulary", t->path, rank,
                       (int)(size < 60 ? size : 60), text);
    return id;
}

// Merges: "a b" or ["a", "b"].
static void sb_bpe_merges(SbTokenizer *t, const cJSON *list) {
    SbText scratch = {NULL, 0, 0}, whole = {NULL, 0, 0};
    int count = cJSON_GetArraySize(list), rank = 0;
    for (t->merges = 16; t->merges < 2 * (uint32_t)count;) t->merges *= 2;
    t->merge = (SbBpeMerge *)sb_calloc(t->merges, sizeof *t->merge);
    for (uint32_t i = 0; i < t->merges; i++) t->merge[i].rank = -1;
    for (const cJSON *v = list->child; v; v = v->next, rank++) {
        const cJSON *a = cJSON_IsArray(v) ? v->child : NULL, *b = a ? a->next : NULL;
        const char *left = cJSON_IsString(v) ? v->valuestring : cJSON_IsString(a) ? a->valuestring : "";
        const char *right = cJSON_IsString(v) ? strchr(left, ' ') : cJSON_IsString(b) ? b->valuestring : "";
        size_t size = right && !a ? (size_t)(right++ - left) : strlen(left);
        if (!right || !size || !*right || (a && (!b || b->next)) || strchr(right, ' '))
            sb_die("%s: merge %d: expected \"a b\" or [\"a\", \"b\"], found %s %s", t->path, rank,
                   sb_json_kind(v), cJSON_IsString(v) || a ? "of another form" : "");
        SbBpeMerge m = {sb_bpe_part(t, &scratch, left, size, rank),
                        sb_bpe_part(t, &scratch, right, strlen(right), rank), rank, 0};
        whole.size = 0;
        sb_text_bytes(&whole, left, size);
        sb_text_bytes(&whole, right, strlen(right));
        m.id = sb_bpe_part(t, &scratch, whole.data, whole.size, rank);
        SbBpeMerge *slot = sb_bpe_pair(t, m.left, m.right);
        if (slot->rank >= 0) sb_die("%s: merges %d and %d are the same", t->path, slot->rank, rank);
        *slot = m;
    }
    free(scratch.data);
    free(whole.data);
}

// Is it the model that bpe.h knows?
static void sb_bpe_check(const SbTokenizer *t, const cJSON *model, const char *where) {
    static const char *const unused[] = {"dropout", "continuing_subword_prefix", "end_of_word_suffix",
                                         "fuse_unk"};
    const char *type = sb_json_string(model, "type", where);
    if (strcmp(type, "BPE")) sb_bpe_refuse(t->path, "the model", type, "the model BPE");
    if (sb_bpe_flag(model, "byte_fallback", 0, where))
        sb_die("%s: byte_fallback (the BPE of Llama-2 and SentencePiece) is not supported, only byte-level "
               "BPE (Qwen2, Llama 3, SmolLM2, GPT-2)", t->path);
    for (int i = 0; i < 4; i++) sb_bpe_unused(model, unused[i], where);
}

// Needs the added tokens.
static void sb_bpe_model(SbTokenizer *t, const cJSON *model, const char *where) {
    const cJSON *vocabulary = sb_json_field(model, "vocab", where);
    const cJSON *unknown = sb_json_optional(model, "unk_token", where);
    int other = -1;
    if (!cJSON_IsObject(vocabulary)) sb_json_wrong(vocabulary, "vocab", "an object", where);
    t->whole = sb_bpe_flag(model, "ignore_merges", 0, where);
    sb_bpe_vocabulary(t, vocabulary);
    sb_bpe_merges(t, sb_json_array(model, "merges", where));
    if (unknown && !cJSON_IsNull(unknown)) {
        const char *text = sb_json_string(model, "unk_token", where);
        const cJSON *v = cJSON_GetObjectItemCaseSensitive(vocabulary, text);
        if (!v) sb_die("%s: unk_token \"%.60s\" is not in the vocabulary", where, text);
        other = (int)v->valuedouble;
    }
    for (int b = 0; b < 256; b++) {
        char byte = (char)b;
        int id = *sb_bpe_slot(t, &byte, 1);
        t->byte_id[b] = id >= 0 ? id : other;
    }
}

// ---- the file: added tokens, normaliser, pre-tokenizers, template

static int sb_bpe_added_order(const void *a, const void *b) {
    const SbBpeAdded *x = (const SbBpeAdded *)a, *y = (const SbBpeAdded *)b;
    int c = (unsigned char)x->text[0] - (unsigned char)y->text[0];
    return c ? c : x->size != y->size ? (x->size < y->size ? 1 : -1) : x->id - y->id;
}

// Needs nfc: a token that is looked for in normalised text is normalised itself.
static void sb_bpe_added(SbTokenizer *t, const cJSON *list) {
    t->added = (SbBpeAdded *)sb_calloc((size_t)cJSON_GetArraySize(list), sizeof *t->added);
    memset(t->first, 255, sizeof t->first);
    for (const cJSON *v = list ? list->child : NULL; v; v = v->next) {
        SbBpeAdded *a = t->added + t->adds++;
        const char *text = sb_json_string(v, "content", t->path);
        if (sb_bpe_flag(v, "single_word", 0, t->path))
            sb_die("%s: added token \"%.60s\": single_word is not supported", t->path, text);
        a->raw = !sb_bpe_flag(v, "normalized", 0, t->path);
        a->special = sb_bpe_flag(v, "special", 0, t->path);
        a->lstrip = sb_bpe_flag(v, "lstrip", 0, t->path), a->rstrip = sb_bpe_flag(v, "rstrip", 0, t->path);
        a->id = (int)sb_json_int(v, "id", 0, INT32_MAX, t->path);
        a->text = t->nfc && !a->raw ? (char *)utf8proc_NFC((const utf8proc_uint8_t *)text) : sb_copy(text);
        if (!a->text) sb_die("%s: added token \"%.60s\" cannot be normalised", t->path, text);
        a->size = strlen(a->text);
        if (!a->size) sb_die("%s: an added token is empty", t->path);
    }
    if (t->adds) qsort(t->added, (size_t)t->adds, sizeof *t->added, sb_bpe_added_order);
    for (int i = t->adds - 1; i >= 0; i--) {
        const SbBpeAdded *a = t->added + i;
        t->first[a->raw][(unsigned char)*a->text] = i;
        if (i + 1 < t->adds && !strcmp(a->text, a[1].text))
            sb_die("%s: added token \"%.60s\" is there twice", t->path, a->text);
    }
}

// The "type" of a part of the file, and, if it is a Sequence, its list (else NULL). null: "null".
static const char *sb_bpe_type(const cJSON *part, const char *list_name, const cJSON **list,
                               const char *where) {
    *list = NULL;
    if (!part || cJSON_IsNull(part)) return "null";
    const char *type = sb_json_string(part, "type", where);
    if (!strcmp(type, "Sequence")) *list = sb_json_array(part, list_name, where)->child;
    return type;
}

static void sb_bpe_normalizer(SbTokenizer *t, const cJSON *part, const char *where) {
    const cJSON *list;
    const char *type = sb_bpe_type(part, "normalizers", &list, where);
    for (; list; list = list->next) sb_bpe_normalizer(t, list, where);
    if (!strcmp(type, "NFC")) t->nfc = 1;
    else if (strcmp(type, "null") && strcmp(type, "Sequence"))
        sb_bpe_refuse(t->path, "the normalizer", type, "NFC or none");
}

// A pattern for PCRE2 that means what Oniguruma takes it for; what the two read differently is refused. \s is
// spelled out, for PCRE2's holds U+180E, which is no white space since Unicode 6.3.
static char *sb_bpe_pattern(const char *pattern, const char *path) {
    SbText out = {NULL, 0, 0};
    int set = 0;
    for (const char *c = pattern; *c; c++) {
        const char *bad = NULL;
        if (*c == '\\') {
            c++;
            if (*c == 's' || (*c == 'S' && !set))
                sb_text_add(&out, *c == 'S' ? "[^%s]" : set ? "%s" : "[%s]", "\\t-\\r\\x{85}\\p{Z}");
            else if (!*c || strchr("SwWbBhHRXNOKkgGQEAzZuxovVcCMyYae0123456789", *c)) bad = c - 1;
            else sb_text_add(&out, "\\%c", *c);
            if (!bad && strchr("pP", *c) && c[1] == '{')
                while (c[1] && *c != '}') sb_text_bytes(&out, ++c, 1);
        } else if (set) {
            if (*c == '[' || (*c == '&' && c[1] == '&')) bad = c;
            sb_text_bytes(&out, c, 1);
            set = *c != ']';
        } else {
            const char *group = c + 2 + (c[0] == '(' && c[1] == '?' && c[2] == '<');
            if (*c == '^' || *c == '$' || (*c == '(' && c[1] == '*') || (*c == '}' && c[1] == '+') ||
                (*c == '{' && c[1] == ',') || (*c == '[' && c[1 + (c[1] == '^')] == ']') ||
                (*c == '(' && c[1] == '?' && !strchr(c[2] == '<' ? "=!" : ":=!>", *group) &&
                 strncmp(group, "i:", 2))) bad = c;
            sb_text_bytes(&out, c, 1);
            set = *c == '[';
        }
        if (bad)
            sb_die("%s: the pre_tokenizer's pattern has \"%.3s\" at byte %d, which PCRE2 reads differently",
                   path, bad, (int)(bad - pattern));
    }
    return out.data ? out.data : sb_copy("");
}

static void sb_bpe_compile(SbTokenizer *t, SbBpeSplit *s, const char *regex) {
    char *pattern = sb_bpe_pattern(regex, t->path);
    int error = 0;
    uint32_t may_be_empty = 1;
    PCRE2_SIZE at = 0;
    s->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_UCP, &error, &at,
                            NULL);
    if (!s->code) {
        char why[120] = "";
        pcre2_get_error_message(error, (PCRE2_UCHAR *)why, sizeof why);
        sb_die("%s: the pre_tokenizer's pattern is not valid (%s at \"%.20s\")", t->path, why, pattern + at);
    }
    pcre2_pattern_info(s->code, PCRE2_INFO_MATCHEMPTY, &may_be_empty);
    if (may_be_empty)
        sb_die("%s: the pre_tokenizer's pattern \"%.60s\" may match an empty text, expected one that cannot",
               t->path, regex);
    pcre2_jit_compile(s->code, PCRE2_JIT_COMPLETE);  // where there is no JIT, it is interpreted
    s->match = pcre2_match_data_create(1, NULL);
    if (!s->match) sb_die("out of memory: a pattern");
    free(pattern);
}

// GPT-2's pattern (encoder.py), ByteLevel's own.
#define SB_BPE_GPT2 "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"

// Steps are added to t->split. bytes: ByteLevel has been met; nothing may follow it.
static void sb_bpe_pretokenizer(SbTokenizer *t, const cJSON *part, int *bytes, const char *where) {
    const cJSON *list;
    const char *type = sb_bpe_type(part, "pretokenizers", &list, where);
    for (; list; list = list->next) sb_bpe_pretokenizer(t, list, bytes, where);
    if (!strcmp(type, "Sequence")) return;
    if (*bytes) sb_die("%s: \"%.60s\" after ByteLevel is not supported", where, type);
    if (t->splits == SB_BPE_SPLITS) sb_die("%s: more than %d steps", where, (int)SB_BPE_SPLITS);
    SbBpeSplit *s = t->split + t->splits++;
    if (!strcmp(type, "ByteLevel")) {
        *bytes = 1;
        s->space = sb_bpe_flag(part, "add_prefix_space", 0, where);
        if (sb_bpe_flag(part, "use_regex", 1, where)) sb_bpe_compile(t, s, SB_BPE_GPT2);
    } else if (!strcmp(type, "Digits")) {
        sb_bpe_compile(t, s, sb_bpe_flag(part, "individual_digits", 0, where) ? "\\p{N}" : "\\p{N}+");
    } else if (!strcmp(type, "Split")) {
        const char *behavior = sb_json_string(part, "behavior", where);
        if (strcmp(behavior, "Isolated")) sb_bpe_refuse(t->path, "Split's behavior", behavior, "Isolated");
        if (sb_bpe_flag(part, "invert", 0, where)) sb_die("%s: Split with invert is not supported", where);
        sb_bpe_compile(t, s, sb_json_string(sb_json_field(part, "pattern", where), "Regex", where));
    } else {
        sb_bpe_refuse(t->path, "the pre_tokenizer", type, "ByteLevel, Split, Digits");
    }
}

// What a template puts before and after a text: its "single" form.
static void sb_bpe_template(SbTokenizer *t, const cJSON *part, const char *where) {
    const cJSON *known = sb_json_field(part, "special_tokens", where);
    SbIds *side = &t->prefix;
    for (const cJSON *v = sb_json_array(part, "single", where)->child; v; v = v->next) {
        const cJSON *token = sb_json_optional(v, "SpecialToken", where);
        if (!token) {
            sb_json_field(v, "Sequence", where);
            if (side == &t->suffix) sb_die("%s: the template holds the text twice", where);
            side = &t->suffix;
            continue;
        }
        const cJSON *row = sb_json_field(known, sb_json_string(token, "id", where), where);
        for (const cJSON *id = sb_json_array(row, "ids", where)->child; id; id = id->next) {
            if (!cJSON_IsNumber(id) || !(id->valuedouble >= 0 && id->valuedouble < t->n))
                sb_die("%s: the template's id is not one of the %d tokens", where, t->n);
            sb_ids_push(side, (int)id->valuedouble);
        }
    }
    if (side == &t->prefix) sb_die("%s: the template has no place for the text", where);
}

static void sb_bpe_postprocessor(SbTokenizer *t, const cJSON *part, const char *where) {
    const cJSON *list;
    const char *type = sb_bpe_type(part, "processors", &list, where);
    for (; list; list = list->next) sb_bpe_postprocessor(t, list, where);
    if (!strcmp(type, "TemplateProcessing")) {
        if (t->prefix.n + t->suffix.n) sb_die("%s: two templates", where);
        sb_bpe_template(t, part, where);
    } else if (strcmp(type, "null") && strcmp(type, "ByteLevel") && strcmp(type, "Sequence")) {
        sb_bpe_refuse(t->path, "the post_processor", type, "ByteLevel, TemplateProcessing");
    }
}

// ---- the tokenizer

// Read a tokenizer.json, or the one in a folder. Everything is checked here: afterwards only text that is not
// UTF-8 (or has a byte that the vocabulary lacks) is an error. truncation and padding of the file are the
// caller's affair and ignored.
static SB_UNUSED void sb_tokenizer_open(SbTokenizer *t, const char *path) {
    int bytes = 0;
    memset(t, 0, sizeof *t);
    t->limits = pcre2_match_context_create(NULL);
    if (!t->limits) sb_die("out of memory: a tokenizer");
    t->path = sb_is_folder(path) ? sb_format("%s/tokenizer.json", path) : sb_copy(path);
    cJSON *root = sb_json_read(t->path);
    char *where = sb_format("%s: pre_tokenizer", t->path), *model_where = sb_format("%s: model", t->path);
    const cJSON *model = sb_json_field(root, "model", t->path);
    const cJSON *added = sb_json_optional(root, "added_tokens", t->path), *list;
    if (added && cJSON_IsNull(added)) added = NULL;
    if (added && !cJSON_IsArray(added)) sb_json_wrong(added, "added_tokens", "a list", t->path);
    sb_bpe_check(t, model, model_where);
    sb_bpe_normalizer(t, sb_json_optional(root, "normalizer", t->path), t->path);
    sb_bpe_added(t, added);
    sb_bpe_model(t, model, model_where);
    sb_bpe_pretokenizer(t, sb_json_field(root, "pre_tokenizer", t->path), &bytes, where);
    if (!bytes) sb_die("%s: there is no ByteLevel", where);
    sb_bpe_postprocessor(t, sb_json_optional(root, "post_processor", t->path), t->path);
    const char *decoder = sb_bpe_type(sb_json_optional(root, "decoder", t->path), "decoders", &list, t->path);
    if (strcmp(decoder, "ByteLevel")) sb_bpe_refuse(t->path, "the decoder", decoder, "ByteLevel");
    t->cache = (SbBpePiece *)sb_calloc(SB_BPE_CACHE, sizeof *t->cache);
    free(where);
    free(model_where);
    cJSON_Delete(root);
}

static SB_UNUSED void sb_tokenizer_close(SbTokenizer *t) {
    for (int i = 0; i < t->adds; i++) free(t->added[i].text);
    for (int i = 0; i < t->splits; i++) {
        pcre2_code_free(t->split[i].code);
        pcre2_match_data_free(t->split[i].match);
    }
    pcre2_match_context_free(t->limits);
    void *owned[] = {t->path, t->bytes.data, t->start, t->special, t->slot, t->merge, t->added, t->prefix.id,
                     t->suffix.id, t->spaced.data, t->symbol, t->heap, t->cache};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
    memset(t, 0, sizeof *t);
}

// The id of an added token by its text, or of another token by its bytes; -1: there is none.
static SB_UNUSED int sb_tokenizer_id(const SbTokenizer *t, const char *text) {
    for (int i = 0; i < t->adds; i++)
        if (!strcmp(t->added[i].text, text)) return t->added[i].id;
    return *text ? *sb_bpe_slot(t, text, strlen(text)) : -1;
}

// SPECIAL: text that spells a special token becomes it (as the tokenizers package does by default); without,
// it is text (encode_special_tokens). Added tokens that are not special are always found. TEMPLATE: with what
// the file's post_processor puts around a text (add_special_tokens).
enum { SB_ENCODE_SPECIAL = 1, SB_ENCODE_TEMPLATE = 2 };

// Append the ids of a text of size bytes (zeros are bytes like others).
static SB_UNUSED void sb_tokenizer_encode(SbTokenizer *t, const char *text, size_t size, int how,
                                          SbIds *out) {
    size_t bad = sb_utf8_end(text, size);
    if (bad < size) sb_die("a text for %s is not UTF-8 (byte %zu is %02x)", t->path, bad, text[bad] & 255u);
    for (int i = 0; how & SB_ENCODE_TEMPLATE && i < t->prefix.n; i++) sb_ids_push(out, t->prefix.id[i]);
    sb_bpe_text(t, text, size, 1, how & SB_ENCODE_SPECIAL, out);
    for (int i = 0; how & SB_ENCODE_TEMPLATE && i < t->suffix.n; i++) sb_ids_push(out, t->suffix.id[i]);
}

// Bytes of a token; *size of them.
static SB_UNUSED const char *sb_tokenizer_bytes(const SbTokenizer *t, int id, size_t *size) {
    if (id < 0 || id >= t->n) sb_die("%s: there is no token %d, ids are 0 to %d", t->path, id, t->n - 1);
    *size = t->start[id + 1] - t->start[id];
    return t->bytes.data + t->start[id];
}

// Bytes that do not make a whole character yet, while tokens arrive one by one. Start from zeros; nothing to
// free.
typedef struct { char byte[4]; int n; } SbStream;

// The next byte of a stream: what is whole is appended to out. Bytes that are no UTF-8 become U+FFFD, one for
// each longest run that begins a character (as Unicode 3.9 advises and from_utf8_lossy does).
static void sb_stream_byte(SbStream *s, char byte, SbText *out) {
    s->byte[s->n++] = byte;
    if (sb_utf8_end(s->byte, (size_t)s->n) == (size_t)s->n) {
        sb_text_bytes(out, s->byte, (size_t)s->n);
        s->n = 0;
        return;
    }
    // may still become a character if some continuation makes it one: 80s do, but after E0 and F0
    static const char *const tail[] = {"\x80\x80\x80", "\xA0\x80\x80", "\x90\x80\x80"};
    int lead = (unsigned char)s->byte[0], whole = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    for (int i = 0; i < 3 && s->n < whole; i++) {
        char trial[4];
        memcpy(trial, s->byte, (size_t)s->n);
        memcpy(trial + s->n, tail[i], (size_t)(whole - s->n));
        if (sb_utf8_end(trial, (size_t)whole) == (size_t)whole) return;
    }
    sb_text_add(out, "\xEF\xBF\xBD");
    int again = s->n > 1;  // the byte that spoiled it may begin a character itself
    s->n = 0;
    if (again) sb_stream_byte(s, byte, out);
}

// Append what token id adds to a text; skip: special tokens add nothing.
static SB_UNUSED void sb_tokenizer_stream(const SbTokenizer *t, SbStream *s, int id, int skip, SbText *out) {
    size_t size;
    const char *bytes = sb_tokenizer_bytes(t, id, &size);
    if (skip && t->special[id]) return;
    for (size_t i = 0; i < size; i++) sb_stream_byte(s, bytes[i], out);
}

// The end of a stream: a character that stayed incomplete is U+FFFD.
static SB_UNUSED void sb_stream_end(SbStream *s, SbText *out) {
    if (s->n) sb_text_add(out, "\xEF\xBF\xBD");
    s->n = 0;
}

// Append the text of n ids.
static SB_UNUSED void sb_tokenizer_decode(const SbTokenizer *t, const int *id, int n, int skip, SbText *out) {
    SbStream s;
    memset(&s, 0, sizeof s);
    for (int i = 0; i < n; i++) sb_tokenizer_stream(t, &s, id[i], skip, out);
    sb_stream_end(&s, out);
}
#endif
