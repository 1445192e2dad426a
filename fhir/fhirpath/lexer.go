package fhirpath

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// tokenKind is a lexical category of https://hl7.org/fhirpath/N1/#lexical-elements.
type tokenKind uint8

const (
	tokenEnd       tokenKind = iota
	tokenName                // an identifier or a keyword
	tokenDelimited           // an identifier in backticks
	tokenString
	tokenNumber
	tokenDate
	tokenDateTime
	tokenTime
	tokenDollar // $this, $index, $total
	tokenSymbol
)

// token is one lexeme; text is decoded (no quotes, no escapes, no @).
type token struct {
	kind tokenKind
	text string
	pos  int
}

// String is how a message shows the token.
func (t token) String() string {
	switch t.kind {
	case tokenEnd:
		return "the end of the expression"
	case tokenString:
		return "a string"
	default:
		return strconv.Quote(t.text)
	}
}

// lexer cuts a source into tokens.
type lexer struct {
	src source
	pos int
}

// lex returns all tokens, the last of which is tokenEnd.
func lex(src source) ([]token, error) {
	l := lexer{src: src}
	var tokens []token
	for {
		t, err := l.next()
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, t)
		if t.kind == tokenEnd {
			return tokens, nil
		}
	}
}

func (l *lexer) next() (token, error) {
	if err := l.skipSpace(); err != nil {
		return token{}, err
	}
	start := l.pos
	if start >= len(l.src) {
		return token{kind: tokenEnd, pos: start}, nil
	}
	switch c := l.src[start]; {
	case isLetter(c):
		return l.word(tokenName, start), nil
	case isDigit(c):
		return l.number(), nil
	case c == '\'':
		return l.quoted('\'', tokenString)
	case c == '`':
		return l.quoted('`', tokenDelimited)
	case c == '@':
		return l.temporal()
	case c == '$':
		l.pos++
		t := l.word(tokenDollar, start)
		if t.text != "$this" && t.text != "$index" && t.text != "$total" {
			return t, l.src.syntax(start, "%s is not $this, $index or $total", t)
		}
		return t, nil
	}
	return l.symbol()
}

// skipSpace passes white space and both kinds of comments.
func (l *lexer) skipSpace() error {
	for l.pos < len(l.src) {
		rest := string(l.src[l.pos:])
		switch {
		case strings.ContainsRune(" \t\r\n", rune(rest[0])):
			l.pos++
		case strings.HasPrefix(rest, "//"):
			n := strings.IndexAny(rest, "\r\n")
			if n < 0 {
				n = len(rest)
			}
			l.pos += n
		case strings.HasPrefix(rest, "/*"):
			n := strings.Index(rest[2:], "*/")
			if n < 0 {
				return l.src.syntax(l.pos, "this comment is never closed; add */")
			}
			l.pos += n + 4
		default:
			return nil
		}
	}
	return nil
}

func (l *lexer) word(kind tokenKind, start int) token {
	for l.pos < len(l.src) && (isLetter(l.src[l.pos]) || isDigit(l.src[l.pos])) {
		l.pos++
	}
	return token{kind, string(l.src[start:l.pos]), start}
}

// number reads digits with an optional fraction. A dot that no digit follows
// starts an invocation: 1.convertsToInteger().
func (l *lexer) number() token {
	start := l.pos
	l.digits()
	if l.pos+1 < len(l.src) && l.src[l.pos] == '.' && isDigit(l.src[l.pos+1]) {
		l.pos++
		l.digits()
	}
	return token{tokenNumber, string(l.src[start:l.pos]), start}
}

func (l *lexer) digits() {
	for l.pos < len(l.src) && isDigit(l.src[l.pos]) {
		l.pos++
	}
}

var symbols = []string{
	"<=", ">=", "!=", "!~", ".", "[", "]", "(", ")", "{", "}", ",",
	"+", "-", "*", "/", "&", "|", "<", ">", "=", "~", "%",
}

func (l *lexer) symbol() (token, error) {
	for _, s := range symbols {
		if strings.HasPrefix(string(l.src[l.pos:]), s) {
			t := token{tokenSymbol, s, l.pos}
			l.pos += len(s)
			return t, nil
		}
	}
	r, _ := utf8.DecodeRuneInString(string(l.src[l.pos:]))
	return token{}, l.src.syntax(l.pos, "the character %q has no meaning here", r)
}

// quoted reads a string or a delimited identifier and its escapes.
func (l *lexer) quoted(quote byte, kind tokenKind) (token, error) {
	start := l.pos
	l.pos++
	var text strings.Builder
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		switch c {
		case quote:
			l.pos++
			return token{kind, text.String(), start}, nil
		case '\\':
			if err := l.escape(&text); err != nil {
				return token{}, err
			}
		default:
			text.WriteByte(c)
			l.pos++
		}
	}
	return token{}, l.src.syntax(start, "this text is never closed; add %c", quote)
}

var escapes = map[byte]byte{
	'`': '`', '\'': '\'', '"': '"', '\\': '\\', '/': '/',
	'f': '\f', 'n': '\n', 'r': '\r', 't': '\t',
}

func (l *lexer) escape(text *strings.Builder) error {
	start := l.pos
	if start+1 >= len(l.src) {
		return l.src.syntax(start, "an escape needs a character after the backslash")
	}
	c := l.src[start+1]
	if c == 'u' {
		return l.unicode(text)
	}
	plain, ok := escapes[c]
	if !ok {
		return l.src.syntax(start, "\\%c is no escape; a backslash itself is written \\\\", c)
	}
	text.WriteByte(plain)
	l.pos += 2
	return nil
}

// unicode reads \uXXXX, a surrogate pair as one character.
func (l *lexer) unicode(text *strings.Builder) error {
	start := l.pos
	r, ok := l.hex()
	if ok && utf16.IsSurrogate(r) {
		low, paired := l.hex()
		r = utf16.DecodeRune(r, low)
		ok = paired && r != utf8.RuneError
	}
	if !ok {
		return l.src.syntax(start, "\\u needs four hexadecimal digits of a character")
	}
	text.WriteRune(r)
	return nil
}

func (l *lexer) hex() (rune, bool) {
	if l.pos+6 > len(l.src) || l.src[l.pos:l.pos+2] != "\\u" {
		return 0, false
	}
	n, err := strconv.ParseUint(string(l.src[l.pos+2:l.pos+6]), 16, 16)
	l.pos += 6
	return rune(n), err == nil
}

// temporal reads @2015, @2015-02T, @2015-02-04T14:34:28.123+09:00, @T14:34.
// Whether the day exists is judged when the literal is compiled.
func (l *lexer) temporal() (token, error) {
	start := l.pos
	l.pos++
	if l.take("T") {
		if !l.clock() {
			return token{}, l.src.syntax(start, "a time literal looks like @T14:30:00.000")
		}
		return l.temporalToken(tokenTime, start)
	}
	if !l.date() {
		return token{}, l.src.syntax(start, "a date literal looks like @2015-02-04")
	}
	if !l.take("T") {
		return l.temporalToken(tokenDate, start)
	}
	if l.clock() && !l.take("Z") && l.pos < len(l.src) && (l.src[l.pos] == '+' || l.src[l.pos] == '-') {
		// A sign that no offset follows is the operator: @2015-01-01T10 - 1 hour.
		if !l.pattern(l.pos+1, "00:00") {
			return l.temporalToken(tokenDateTime, start)
		}
		l.pos += len("+00:00")
	}
	return l.temporalToken(tokenDateTime, start)
}

func (l *lexer) temporalToken(kind tokenKind, start int) (token, error) {
	if kind == tokenTime && l.pos < len(l.src) && (l.src[l.pos] == 'Z' || l.zoned()) {
		return token{}, l.src.syntax(l.pos, "a time has no time zone")
	}
	return token{kind, string(l.src[start+1 : l.pos]), start}, nil
}

func (l *lexer) zoned() bool {
	return (l.src[l.pos] == '+' || l.src[l.pos] == '-') && l.pattern(l.pos+1, "00:00")
}

func (l *lexer) take(s string) bool {
	if strings.HasPrefix(string(l.src[l.pos:]), s) {
		l.pos += len(s)
		return true
	}
	return false
}

// pattern tells whether the text at pos looks like p, where 0 is any digit.
func (l *lexer) pattern(pos int, p string) bool {
	if pos+len(p) > len(l.src) {
		return false
	}
	for i := range len(p) {
		c := l.src[pos+i]
		if p[i] == '0' && !isDigit(c) || p[i] != '0' && c != p[i] {
			return false
		}
	}
	return true
}

func (l *lexer) takePattern(p string) bool {
	if !l.pattern(l.pos, p) {
		return false
	}
	l.pos += len(p)
	return true
}

func (l *lexer) date() bool {
	if !l.takePattern("0000") {
		return false
	}
	if l.takePattern("-00") {
		l.takePattern("-00")
	}
	return true
}

func (l *lexer) clock() bool {
	if !l.takePattern("00") {
		return false
	}
	for _, more := range []string{":00", ":00", ".0"} {
		if !l.takePattern(more) {
			return true
		}
	}
	l.digits()
	return true
}

func isLetter(c byte) bool {
	return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
