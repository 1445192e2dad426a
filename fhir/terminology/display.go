package terminology

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// texts is where the displays of one code stand: its concept in the table, and
// what the value set itself says of it. Either may be missing.
type texts struct {
	cs     *system
	t      *table
	i      uint32
	listed *Concept
}

// judgeTexts completes the answer about a member: the display that is wanted,
// whether the given one is right, and whether the code is retired.
func judgeTexts(a Answer, x texts, c Coding, o *CodeOptions) Answer {
	language := ""
	if o != nil {
		language = o.Language
	}
	a.Display = x.preferred(language)
	if c.Display != "" && !x.has(c.Display) {
		a.Displays = x.all()
		if len(a.Displays) > 0 {
			a.Problem = WrongDisplay
			list := strings.Join(a.Displays, `", "`)
			a.Text = fmt.Sprintf("the display %q is not one of the code %s; expected one of \"%s\"", c.Display, spell(c), list)
			a.Chinese = fmt.Sprintf("显示名 %q 与代码 %s 不符，应为 \"%s\"", c.Display, spell(c), list)
			return a
		}
	}
	if x.t != nil && x.t.has(x.i, flagInactive|flagDeprecated) {
		a.Problem = Inactive
		a.Text = fmt.Sprintf("the code %s is retired or deprecated; use one that is in force", spell(c))
		a.Chinese = fmt.Sprintf("代码 %s 已停用或不建议使用，请改用现行代码", spell(c))
	}
	return a
}

// has tells whether a display is one of the code's: without regard to case and
// to runs of white space, in any language.
func (x texts) has(display string) bool {
	if x.t != nil && equalText(display, x.t.display(x.i)) {
		return true
	}
	if x.listed != nil {
		if equalText(display, x.listed.Display) {
			return true
		}
		for _, d := range x.listed.Designations {
			if equalText(display, d.Value) {
				return true
			}
		}
	}
	if x.t == nil {
		return false
	}
	for _, n := range x.t.of(x.i) {
		if n.kind == noteDesignation && equalText(display, x.t.value(n)) {
			return true
		}
	}
	return false
}

// equalText compares without allocating unless white space differs.
func equalText(a, b string) bool {
	if strings.EqualFold(a, b) {
		return b != ""
	}
	if !strings.ContainsFunc(a, unicode.IsSpace) && !strings.ContainsFunc(b, unicode.IsSpace) {
		return false
	}
	return strings.EqualFold(strings.Join(strings.Fields(a), " "), strings.Join(strings.Fields(b), " "))
}

// all lists the displays: the value set's, the system's, the designations.
func (x texts) all() (list []string) {
	add := func(s string) {
		if s != "" && !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	if x.t != nil {
		add(x.t.display(x.i))
	}
	if x.listed != nil {
		add(x.listed.Display)
		for _, d := range x.listed.Designations {
			add(d.Value)
		}
	}
	if x.t != nil {
		for _, n := range x.t.of(x.i) {
			if n.kind == noteDesignation {
				add(x.t.value(n))
			}
		}
	}
	return list
}

// preferred is the display in a language, else in the system's own.
func (x texts) preferred(language string) string {
	if language != "" && !covers(language, x.own()) {
		if s := x.translated(language); s != "" {
			return s
		}
	}
	if x.listed != nil && x.listed.Display != "" {
		return x.listed.Display
	}
	if x.t != nil {
		return x.t.display(x.i)
	}
	return ""
}

// own is the language of the displays; a system that names none is in English.
func (x texts) own() string {
	if x.cs == nil || x.cs.language == "" {
		return "en"
	}
	return x.cs.language
}

// translated is the designation whose language is nearest to the one asked for.
func (x texts) translated(language string) (best string) {
	score := 0
	consider := func(lang, use, value string) {
		n := nearness(language, lang)
		if n > 0 && (use == "" || use == "display") {
			n++ // a preferred name before a synonym
		}
		if n > score {
			best, score = value, n
		}
	}
	if x.listed != nil {
		for _, d := range x.listed.Designations {
			consider(d.Language, d.Use, d.Value)
		}
	}
	if x.t != nil {
		for _, n := range x.t.of(x.i) {
			if n.kind == noteDesignation {
				consider(x.t.names[n.name], x.t.names[n.use], x.t.value(n))
			}
		}
	}
	return best
}

// nearness of a language to the one wanted: equal, its base, or another variant
// of the same base; 0 is another language.
func nearness(want, have string) int {
	if have == "" {
		return 0
	}
	if strings.EqualFold(want, have) {
		return 6
	}
	w, h := strings.ToLower(want)+"-", strings.ToLower(have)+"-"
	switch {
	case strings.HasPrefix(w, h), strings.HasPrefix(h, w):
		return 4
	case base(w) != base(h):
		return 0
	case region(want) == region(have): // zh-Hant-TW and zh-TW
		return 3
	default:
		return 2
	}
}

func region(tag string) string { return strings.ToLower(tag[strings.LastIndexByte(tag, '-')+1:]) }

func base(tag string) string {
	b, _, _ := strings.Cut(tag, "-")
	return b
}

// covers tells whether texts of a language serve the one that is wanted.
func covers(want, have string) bool { return nearness(want, have) > 2 }
