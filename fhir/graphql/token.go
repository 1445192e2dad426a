package graphql

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"tenon/fhir/issue"
)

// tokenKind tells what a token is; a punctuator is its own kind.
type tokenKind uint8

const (
	endToken tokenKind = iota
	punctuator
	nameToken
	intToken
	floatToken
	stringToken
)

// token is one lexical token; text is the value of a string.
type token struct {
	kind tokenKind
	text string
	at   int
}

// lexer reads tokens. https://spec.graphql.org/October2021/#sec-Appendix-Grammar-Summary.Lexical-Tokens
type lexer struct {
	src string
	at  int
}

func (l *lexer) fail(at int, chinese, format string, args ...any) error {
	line, column := place(l.src, at)
	return &Fault{Failure: refuse(issue.Structure, "syntax", chinese, format, args...), Line: line, Column: column, Early: true}
}

// skip passes over what has no meaning: white space, commas, comments.
func (l *lexer) skip() {
	for l.at < len(l.src) {
		switch c := l.src[l.at]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',':
			l.at++
		case c == '#':
			for l.at < len(l.src) && l.src[l.at] != '\n' && l.src[l.at] != '\r' {
				l.at++
			}
		case strings.HasPrefix(l.src[l.at:], "\ufeff"):
			l.at += len("\ufeff")
		default:
			return
		}
	}
}

func (l *lexer) next() (token, error) {
	l.skip()
	start := l.at
	if start == len(l.src) {
		return token{at: start}, nil
	}
	switch c := l.src[start]; {
	case strings.HasPrefix(l.src[start:], "..."):
		l.at += 3
		return token{punctuator, "...", start}, nil
	case strings.IndexByte("!$&():=@[]{|}", c) >= 0:
		l.at++
		return token{punctuator, l.src[start:l.at], start}, nil
	case nameStart(c):
		for l.at < len(l.src) && (nameStart(l.src[l.at]) || digit(l.src[l.at])) {
			l.at++
		}
		return token{nameToken, l.src[start:l.at], start}, nil
	case c == '-' || digit(c):
		return l.number()
	case strings.HasPrefix(l.src[start:], `"""`):
		return l.block()
	case c == '"':
		return l.text()
	}
	r, _ := utf8.DecodeRuneInString(l.src[start:])
	return token{}, l.fail(start, "此处字符无法识别。", "The character %q cannot stand here.", r)
}

func nameStart(c byte) bool { return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func digit(c byte) bool { return c >= '0' && c <= '9' }

// digits passes over at least one digit.
func (l *lexer) digits() bool {
	start := l.at
	for l.at < len(l.src) && digit(l.src[l.at]) {
		l.at++
	}
	return l.at > start
}

func (l *lexer) peek(chars string) bool {
	return l.at < len(l.src) && strings.IndexByte(chars, l.src[l.at]) >= 0
}

func (l *lexer) number() (token, error) {
	start, kind := l.at, intToken
	if l.peek("-") {
		l.at++
	}
	whole := l.at
	ok := l.digits() && (l.src[whole] != '0' || l.at == whole+1)
	if ok && l.peek(".") {
		l.at++
		kind, ok = floatToken, l.digits()
	}
	if ok && l.peek("eE") {
		l.at++
		if l.peek("+-") {
			l.at++
		}
		kind, ok = floatToken, l.digits()
	}
	if !ok || l.at < len(l.src) && (nameStart(l.src[l.at]) || l.src[l.at] == '.') {
		return token{}, l.fail(start, "数字格式有误。", "This is no number.")
	}
	return token{kind, l.src[start:l.at], start}, nil
}

// text reads a string with its escapes.
func (l *lexer) text() (token, error) {
	start := l.at
	l.at++
	var b strings.Builder
	for l.at < len(l.src) {
		switch c := l.src[l.at]; {
		case c == '"':
			l.at++
			return token{stringToken, b.String(), start}, nil
		case c == '\\':
			if err := l.escape(&b); err != nil {
				return token{}, err
			}
		case c < ' ' && c != '\t':
			return token{}, l.fail(l.at, "字符串中不得有控制字符。", "A string holds a line break or control character; escape it, or use a block string.")
		default:
			b.WriteByte(c)
			l.at++
		}
	}
	return token{}, l.fail(start, "字符串没有结束。", "The string does not end.")
}

var escapes = map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

func (l *lexer) escape(b *strings.Builder) error {
	start := l.at
	if l.at+1 < len(l.src) {
		c := l.src[l.at+1]
		if plain, ok := escapes[c]; ok {
			b.WriteByte(plain)
			l.at += 2
			return nil
		}
		if r, ok := l.unicode(); c == 'u' && ok {
			b.WriteRune(r)
			return nil
		}
	}
	return l.fail(start, "转义序列有误。", "The escape sequence is none of GraphQL.")
}

// unicode reads \uXXXX, or two of them that are a pair.
func (l *lexer) unicode() (rune, bool) {
	r, ok := l.unit()
	if !ok || !utf16.IsSurrogate(r) {
		return r, ok
	}
	low, ok := l.unit()
	r = utf16.DecodeRune(r, low)
	return r, ok && r != utf8.RuneError
}

func (l *lexer) unit() (rune, bool) {
	if !strings.HasPrefix(l.src[l.at:], `\u`) || len(l.src) < l.at+6 {
		return 0, false
	}
	var r rune
	for _, c := range []byte(l.src[l.at+2 : l.at+6]) {
		v := strings.IndexByte("0123456789abcdef", c|0x20)
		if digit(c) {
			v = int(c - '0')
		}
		if v < 0 || c < '0' {
			return 0, false
		}
		r = r<<4 | rune(v)
	}
	l.at += 6
	return r, true
}

// block reads a block string. https://spec.graphql.org/October2021/#BlockStringValue()
func (l *lexer) block() (token, error) {
	start := l.at
	l.at += 3
	var b strings.Builder
	for l.at < len(l.src) {
		rest := l.src[l.at:]
		switch {
		case strings.HasPrefix(rest, `"""`):
			l.at += 3
			return token{stringToken, dedented(b.String()), start}, nil
		case strings.HasPrefix(rest, `\"""`):
			b.WriteString(`"""`)
			l.at += 4
		case rest[0] < ' ' && rest[0] != '\t' && rest[0] != '\n' && rest[0] != '\r':
			return token{}, l.fail(l.at, "字符串中不得有控制字符。", "A block string holds a control character.")
		default:
			b.WriteByte(rest[0])
			l.at++
		}
	}
	return token{}, l.fail(start, "字符串没有结束。", "The block string does not end.")
}

// dedented takes the common indentation and blank lines at both ends away.
func dedented(s string) string {
	lines := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s), "\n")
	common := -1
	for i, line := range lines {
		indent := len(line) - len(strings.TrimLeft(line, " \t"))
		if i > 0 && indent < len(line) && (common < 0 || indent < common) {
			common = indent
		}
	}
	for i := range lines {
		if i > 0 && common > 0 {
			lines[i] = lines[i][min(common, len(lines[i])):]
		}
	}
	blank := func(s string) bool { return strings.Trim(s, " \t") == "" }
	for len(lines) > 0 && blank(lines[0]) {
		lines = lines[1:]
	}
	for len(lines) > 0 && blank(lines[len(lines)-1]) {
		lines = lines[:len(lines)-1]
	}
	return strings.Join(lines, "\n")
}
