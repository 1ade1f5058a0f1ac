// chat.h: a conversation as a language model reads it: token ids, what is to be learnt, where pictures go.
//
// Refuses: jinja; a system text that nobody gave (Qwen's and SmolLM2's own templates add one: sb_chat_system
// knows them); to guess a layout when the tokenizer has the special tokens of none.
// Ids are those of transformers' apply_chat_template with the families' layouts, every chunk between two
// <image> by itself, as LLaVA does. So text that spells a special token becomes it, in answers too.
// Read from top: layouts, one message, the conversation.
#ifndef SB_CHAT_H
#define SB_CHAT_H
#include "tokenizer.h"

// ---- layouts

// A conversation is begin, then messages: open ROLE middle TEXT close after. The answer and close are learnt.
// trim: blanks around TEXT are dropped, as Llama 3's template does (chatml's does not).
typedef struct { const char *name, *begin, *open, *middle, *close, *after; int trim; } SbChatLayout;
enum { SB_CHATML, SB_CHAT_LLAMA3, SB_CHAT_PLAIN, SB_CHAT_LAYOUTS };

// chatml: Qwen2, Qwen2.5, SmolLM2. llama3: Llama 3; 3.1 and later also put "Cutting Knowledge Date: ..." and
// today's date into a system text, which is to be given as one. plain: LLaVA's first stage (conversation.py):
// the pictures, the caption, a line end; the question is not read.
static SB_UNUSED const SbChatLayout *sb_chat_layout(int i) {
    static const SbChatLayout layout[SB_CHAT_LAYOUTS] = {
        {"chatml", "", "<|im_start|>", "\n", "<|im_end|>", "\n", 0},
        {"llama3", "<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>\n\n", "<|eot_id|>", "", 1},
        {"plain", "", "", "", "\n", "", 0}};
    return layout + i;
}

// The system text that a flag asks for: itself; NULL or "": none; "@NAME": what a family's own template adds.
static SB_UNUSED const char *sb_chat_system(const char *flag) {
    static const char *const known[][2] = {
        {"qwen2", "You are a helpful assistant."},
        {"qwen2.5", "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."},
        {"smollm2", "You are a helpful AI assistant named SmolLM, trained by Hugging Face"}};
    if (!flag || !*flag) return NULL;
    if (*flag != '@') return flag;
    for (int i = 0; i < 3; i++)
        if (!strcmp(flag + 1, known[i][0])) return known[i][1];
    sb_die("no system text is known as \"%.60s\"; there are @qwen2, @qwen2.5, @smollm2", flag);
}

// token[i] is fed, target[i] is what it has to predict (-1: nothing). Read by anybody between calls.
enum { SB_CHAT_IMAGE = -1 };  // in token: the features of the next picture stand here
typedef struct {
    SbTokenizer *tokenizer;
    const SbChatLayout *layout;
    int end;                // the token at which an answer ends; plain: a line end, unless it merged
    int n, room, turns;
    int *token, *target;
    SbIds ids;              // scratch
    SbText text;
} SbChat;

// Make ready for a tokenizer, which has to outlive it. name: of a layout; NULL: by the tokenizer's tokens.
static SB_UNUSED void sb_chat_open(SbChat *c, SbTokenizer *t, const char *name) {
    memset(c, 0, sizeof *c);
    c->tokenizer = t;
    for (int i = 0; i < SB_CHAT_LAYOUTS && !c->layout; i++) {
        const SbChatLayout *l = sb_chat_layout(i);
        int has = sb_tokenizer_id(t, l->open) >= 0 && sb_tokenizer_id(t, l->close) >= 0 &&
                  (!*l->begin || sb_tokenizer_id(t, l->begin) >= 0);
        if (name ? !strcmp(name, l->name) : has) c->layout = l;
        if (name && c->layout && *l->open && !has)
            sb_die("%s: the chat layout %s needs the tokens %s %s %s, which are not all there", t->path, name,
                   l->begin, l->open, l->close);
    }
    if (!c->layout && name) sb_die("no chat layout \"%.60s\"; there are chatml, llama3, plain", name);
    if (!c->layout)
        sb_die("%s: has the special tokens of no chat layout; name one: chatml, llama3, plain", t->path);
    c->end = sb_tokenizer_id(t, c->layout->close);
}

static SB_UNUSED void sb_chat_close(SbChat *c) {
    free(c->token);
    free(c->target);
    free(c->ids.id);
    free(c->text.data);
    memset(c, 0, sizeof *c);
}

// ---- one message

// learnt: the token before has to predict this one.
static void sb_chat_push(SbChat *c, int token, int learnt) {
    if (c->n == c->room) {
        c->room = 2 * c->room + 256;
        c->token = (int *)sb_realloc(c->token, (size_t)c->room * sizeof(int));
        c->target = (int *)sb_realloc(c->target, (size_t)c->room * sizeof(int));
    }
    if (learnt && c->n) c->target[c->n - 1] = token;
    c->token[c->n] = token;
    c->target[c->n++] = -1;
}

static void sb_chat_encode(SbChat *c, const char *text, size_t size) {
    c->ids.n = 0;
    sb_tokenizer_encode(c->tokenizer, text, size, SB_ENCODE_SPECIAL, &c->ids);
}

// A text between pictures. Of one that is learnt the first header bytes are not; a token that holds the end
// of the header and the begin of the answer (both are line ends) counts as answer.
static void sb_chat_chunk(SbChat *c, const char *text, size_t size, int learnt, size_t header) {
    size_t told = 0, seen = 0, bytes;
    if (learnt) {  // in the tokens' bytes: a tokenizer may put a space before
        sb_chat_encode(c, text, header);
        for (int i = 0; i < c->ids.n; i++, told += bytes)
            sb_tokenizer_bytes(c->tokenizer, c->ids.id[i], &bytes);
    }
    sb_chat_encode(c, text, size);
    for (int i = 0; i < c->ids.n; i++) {
        sb_tokenizer_bytes(c->tokenizer, c->ids.id[i], &bytes), seen += bytes;
        sb_chat_push(c, c->ids.id[i], learnt && seen > told);
    }
}

// Python's str.strip, which jinja's trim is: White_Space and 1C to 1F.
static const char *sb_chat_trim(const char *text, size_t *size) {
    size_t n = *size, k;
    while (n && (k = *text >= 0x1C && *text <= 0x1F ? 1 : sb_bpe_blank(text, n))) text += k, n -= k;
    while (n && (k = text[n - 1] >= 0x1C && text[n - 1] <= 0x1F ? 1 : sb_bpe_blank_before(text, n))) n -= k;
    *size = n;
    return text;
}

// text NULL: only what stands before it, where an answer is to be generated.
static void sb_chat_message(SbChat *c, const char *role, const char *text, int learnt) {
    const SbChatLayout *l = c->layout;
    c->text.size = 0;
    sb_text_add(&c->text, "%s%s%s", l->open, *l->open ? role : "", l->middle);
    size_t header = c->text.size, size = text ? strlen(text) : 0, done = 0;
    if (text) {
        if (l->trim) text = sb_chat_trim(text, &size);
        sb_text_bytes(&c->text, text, size);
        sb_text_add(&c->text, "%s", l->close);
    }
    for (const char *mark; (mark = strstr(c->text.data + done, "<image>")) != NULL;) {
        sb_chat_chunk(c, c->text.data + done, (size_t)(mark - c->text.data) - done, 0, 0);
        sb_chat_push(c, SB_CHAT_IMAGE, 0);
        done = (size_t)(mark - c->text.data) + 7;
    }
    sb_chat_chunk(c, c->text.data + done, c->text.size - done, learnt, header);
    if (text) sb_chat_chunk(c, l->after, strlen(l->after), 0, 0);
}

// ---- the conversation

// Begin anew. system NULL: none.
static SB_UNUSED void sb_chat_begin(SbChat *c, const char *system) {
    const SbTokenizer *t = c->tokenizer;
    c->n = c->turns = 0;
    if (c->layout == sb_chat_layout(SB_CHAT_PLAIN)) {
        if (system) sb_die("the chat layout plain has no place for a system text");
        for (int i = 0; i < t->prefix.n; i++) sb_chat_push(c, t->prefix.id[i], 0);
        return;
    }
    if (*c->layout->begin) sb_chat_push(c, sb_tokenizer_id(t, c->layout->begin), 0);
    if (system && strstr(system, "<image>")) sb_die("<image> in a system text");
    if (system) sb_chat_message(c, "system", system, 0);
}

// Append a question and its answer; answer NULL: up to where it is to be generated.
static SB_UNUSED void sb_chat_turn(SbChat *c, const char *question, const char *answer) {
    if (answer && strstr(answer, "<image>")) sb_die("<image> in an answer");
    if (c->layout == sb_chat_layout(SB_CHAT_PLAIN)) {
        if (c->turns) sb_die("the chat layout plain has one question and one answer, found more");
        for (int i = sb_count_images(question); i > 0; i--) sb_chat_push(c, SB_CHAT_IMAGE, 0);
    } else {
        sb_chat_message(c, "user", question, 0);
    }
    sb_chat_message(c, "assistant", answer, 1);
    c->turns++;
}

// After sb_chat_turn without an answer: the n tokens that were generated, without the one that ended them.
static SB_UNUSED void sb_chat_answered(SbChat *c, const int *id, int n) {
    for (int i = 0; i < n; i++) sb_chat_push(c, id[i], 0);
    sb_chat_push(c, c->end, 0);
    sb_chat_chunk(c, c->layout->after, strlen(c->layout->after), 0, 0);
}

// A whole record.
static SB_UNUSED void sb_chat_conversation(SbChat *c, const char *system, const SbConversation *talk) {
    sb_chat_begin(c, system);
    for (int i = 0; i < talk->turns; i++) sb_chat_turn(c, talk->turn[i].question, talk->turn[i].answer);
}
#endif
