package search

import (
	"html"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// Full text, for _text and _content. https://hl7.org/fhir/R4/search.html#content
//
// The full text of a resource is one string row. Its normalised form lists the
// words, each once: those of scripts that write them apart, folded, and of the
// others every character and every two that stand side by side; those of the
// narrative a second time with a mark. Its exact form holds them as they follow
// each other, so that a phrase is found by its words and then looked up there.
//
//	narrative     <p>Acute pain, 头痛</p>
//	code.text     Migraine; 偏头痛
//	normalised    acute §acute pain §pain 头痛 §头痛 头 §头 痛 §痛 migraine 偏头 偏
//	exact         " acute pain 头痛 ¶ migraine 偏头痛 "
//
// ¶ is endOfNarrative; endOfElement stands between elements. The content is that
// of elements of the types string and markdown, and the narrative: no codes, ids,
// addresses or data. What goes beyond the bounds is not found.
const (
	maxText  = 32 << 10 // bytes of the narrative, and as many of the rest, folded
	maxWords = 4000     // different ones
	maxWord  = 64       // bytes of one; what is longer is found by its beginning
)

// wordKey is that of the row. The migrations know it: each engine has an index
// of its own over the words of rows with this key.
var wordKey = KeyOf("Resource", "_content")

const (
	narrativeMark  = "§"
	endOfNarrative = "\x1e" // no folded text holds it
	endOfElement   = "\x1f" // so that no phrase reaches from one into the next
)

// wordy tells the parameters that ask for words.
func wordy(code string) bool { return code == "_text" || code == "_content" }

// addTexts adds both parameters, which R4 describes and does not define by an
// expression.
func (r *Registry) addTexts(keys *keyring) error {
	for base, code := range map[string]string{"Resource": "_content", "DomainResource": "_text"} {
		p := &Parameter{Code: code, Type: "string", Base: base, Key: KeyOf(base, code), Served: true,
			URL: "http://hl7.org/fhir/SearchParameter/" + base + "-" + code[1:]}
		if err := claim(keys, p); err != nil {
			return err
		}
		for _, typ := range r.Types(base) {
			t := r.types[typ]
			t.byCode[code], t.params = p, append(t.params, p)
		}
	}
	return nil
}

// words adds the row of the full text.
func (x *indexer) words() {
	w := wordList{model: x.model}
	if div := x.root.Field("text").Field("div"); div.Kind() == tree.String {
		w.narrative = true
		w.add(unmarked(div.Str()))
		w.narrative = false
	}
	w.text.WriteString(" " + endOfNarrative)
	w.from = w.text.Len()
	w.node(x.root, x.model.Type(x.typ), true)
	if w.list.Len() > 0 {
		w.text.WriteByte(' ')
		x.rows.Strings = append(x.rows.Strings, StringRow{Key: wordKey, Normalised: w.list.String(), Exact: w.text.String()})
	}
}

// wordList collects words and the text that they stand in.
type wordList struct {
	model     *schema.Model
	narrative bool // what is added is of the narrative
	list      strings.Builder
	few       []string        // the words
	many      map[string]bool // the words, where they are more than a few
	text      strings.Builder
	from      int // where the content begins in text
}

// node adds what people read in an element and under it. The narrative of the
// root was added before.
func (w *wordList) node(n tree.Node, t *schema.Type, root bool) {
	for name, member := range n.Fields() {
		if t == nil || root && name == "text" {
			continue
		}
		if name == "id" || name == "reference" && t.Name == "Reference" {
			continue // strings that nobody reads
		}
		if e := t.Element(name); e != nil && e.Type != nil {
			for item := range member.Items() {
				w.value(item, e.Type)
			}
		}
	}
}

func (w *wordList) value(n tree.Node, t *schema.Type) {
	switch {
	case n.Kind() == tree.Object && t.Name == "Resource":
		inner := w.model.Type(n.Field("resourceType").Str())
		w.node(n, inner, false)
	case n.Kind() == tree.Object:
		w.node(n, t, false)
	case n.Kind() != tree.String:
	case t.Name == "string" || t.Name == "markdown":
		w.add(n.Str())
	case t.Name == "xhtml":
		w.add(unmarked(n.Str()))
	}
}

// add adds the words of a text until there is no room.
func (w *wordList) add(text string) {
	room := maxText - (w.text.Len() - w.from)
	if room <= 0 {
		return
	}
	head, _ := cutText(text, room)
	begun := false
	for run := range runs(head) {
		if !begun && w.text.Len() > w.from {
			w.text.WriteString(" " + endOfElement)
		}
		begun = true
		w.text.WriteByte(' ')
		w.text.WriteString(run.text)
		run.words(w.word)
	}
}

func (w *wordList) word(word string) {
	if len(w.few)+len(w.many) >= maxWords || w.has(word) {
		return
	}
	if w.list.Len() > 0 {
		w.list.WriteByte(' ')
	}
	w.list.WriteString(word)
	if w.narrative {
		w.list.WriteString(" " + narrativeMark + word)
	}
}

// has compares few words with each other; many need a set.
func (w *wordList) has(word string) bool {
	if w.many == nil && len(w.few) < 32 {
		if slices.Contains(w.few, word) {
			return true
		}
		w.few = append(w.few, word)
		return false
	}
	if w.many == nil {
		w.many = make(map[string]bool, 8*len(w.few))
		for _, known := range w.few {
			w.many[known] = true
		}
	}
	known := w.many[word]
	w.many[word] = true
	return known
}

// run is a word of a script that writes them apart, or characters of one that
// does not.
type run struct {
	text   string
	joined bool
}

// runs cuts a text into its runs, folded.
func runs(text string) func(yield func(run) bool) {
	return func(yield func(run) bool) {
		folded := foldWords(text)
		from, joined := -1, false
		for i, r := range folded {
			in, together := unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r), unspaced(r)
			if from >= 0 && (!in || together != joined && !unicode.IsMark(r)) {
				if !yield(run{folded[from:i], joined}) {
					return
				}
				from = -1
			}
			if in && from < 0 {
				from, joined = i, together
			}
		}
		if from >= 0 {
			yield(run{folded[from:], joined})
		}
	}
}

// unspaced tells the scripts that put no space between words, or put one between
// more than words.
func unspaced(r rune) bool {
	return r >= 0x0E00 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Bopomofo,
		unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// words calls add with the words of the run: itself, or each pair of characters
// and each character.
func (r run) words(add func(string)) {
	if !r.joined {
		head, _ := cutText(r.text, maxWord)
		add(head)
		return
	}
	for from := 0; from < len(r.text); {
		_, one := utf8.DecodeRuneInString(r.text[from:])
		_, two := utf8.DecodeRuneInString(r.text[from+one:])
		if two > 0 {
			add(r.text[from : from+one+two])
		}
		add(r.text[from : from+one])
		from += one
	}
}

// cutText cuts a text after at most n bytes, between two characters.
func cutText(s string, n int) (head string, cut bool) {
	if len(s) <= n {
		return s, false
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n], true
}

// inline are elements of XHTML that stand within a word.
var inline = map[string]bool{"a": true, "abbr": true, "acronym": true, "b": true, "bdo": true, "big": true, "cite": true, "code": true, "dfn": true,
	"em": true, "font": true, "i": true, "kbd": true, "q": true, "samp": true, "small": true, "span": true, "strong": true, "sub": true, "sup": true, "tt": true, "var": true}

// unmarked is the text of a narrative without its markup. Elements of the flow
// part words, those within a line do not.
func unmarked(div string) string {
	var b strings.Builder
	for div != "" {
		open := strings.IndexByte(div, '<')
		if open < 0 {
			b.WriteString(div)
			break
		}
		b.WriteString(div[:open])
		div = div[open:]
		if comment, ok := strings.CutPrefix(div, "<!--"); ok {
			_, div, _ = strings.Cut(comment, "-->")
			continue
		}
		end := tagEnd(div)
		name := strings.TrimLeft(div[1:end], "/")
		if i := strings.IndexFunc(name, func(r rune) bool { return !unicode.IsLetter(r) }); i >= 0 {
			name = name[:i]
		}
		if !inline[strings.ToLower(name)] {
			b.WriteByte(' ')
		}
		div = div[min(end+1, len(div)):]
	}
	return html.UnescapeString(b.String())
}

// tagEnd is where a tag ends, whose attributes may hold the sign for it.
func tagEnd(s string) int {
	var quote byte
	for i := range len(s) {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i
		}
	}
	return len(s)
}
