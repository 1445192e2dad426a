package search_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"tenon/server/search"
)

// words are the words and the text of the one row of the full text.
func words(rows search.Rows) (list, text string) {
	for _, s := range rows.Strings {
		if s.Key == search.KeyOf("Resource", "_content") {
			return s.Normalised, strings.NewReplacer("\x1e", "¶", "\x1f", "¦").Replace(s.Exact)
		}
	}
	return "", ""
}

// https://hl7.org/fhir/R4/search.html#content
func TestWords(t *testing.T) {
	for _, c := range []struct{ name, body, words, text string }{
		{"no codes, ids, addresses and data",
			`{"resourceType":"DocumentReference","id":"word","language":"lang","status":"current","identifier":[{"system":"urn:sys","value":"Zettel 9"}],"subject":{"reference":"Patient/ref","display":"Eve"},"content":[{"attachment":{"contentType":"text/plain","data":"d29yZA==","url":"http://x/y","title":"Title"}}]}`,
			"zettel 9 eve title", " ¶ zettel 9 ¦ eve ¦ title "},
		{"case, accents, width", `{"resourceType":"Basic","code":{"text":"ÅNGSTRÖM ＣＴ-Scan, naïve"}}`, "angstrom ct scan naive", " ¶ angstrom ct scan naive "},
		{"characters in pairs", `{"resourceType":"Basic","code":{"text":"膝关节CT检查，痛"}}`, "膝关 膝 关节 关 节 ct 检查 检 查 痛", " ¶ 膝关节 ct 检查 痛 "},
		{"kana with marks and Hangul", `{"resourceType":"Basic","code":{"text":"ガン 암센터"}}`, "ガン ガ ン 암센 암 센터 센 터", " ¶ ガン 암센터 "},
		{"narrative", `{"resourceType":"Basic","text":{"status":"generated","div":"<div>a<b>b</b>c<br/>d<!-- <p>x</p> --><img alt=\"p>q\"/>e &lt;f&gt; &#x5173;&#33410;</div>"},"code":{"text":"d z"}}`,
			"abc §abc d §d e §e f §f 关节 §关节 关 §关 节 §节 z", " abc d e f 关节 ¶ d z "},
		{"contained and extensions", `{"resourceType":"Basic","contained":[{"resourceType":"Patient","text":{"status":"generated","div":"<div>inside</div>"},"name":[{"family":"F"}]}],"extension":[{"url":"u","valueMarkdown":"*mark*","valueCode":"no"}]}`,
			"inside f mark", " ¶ inside ¦ f ¦ mark "},
		{"nothing", `{"resourceType":"Basic","code":{"coding":[{"code":"x"}],"text":"--"}}`, "", ""},
	} {
		list, text := words(index(t, c.body))
		if list != c.words || text != c.text {
			t.Errorf("%s: words = %q in %q, want %q in %q", c.name, list, text, c.words, c.text)
		}
	}
}

// What one resource adds is bounded.
func TestWordsAreBounded(t *testing.T) {
	var b strings.Builder
	for i := range 200_000 {
		b.WriteRune(rune('一' + i*7919%20000))
	}
	list, text := words(index(t, `{"resourceType":"Basic","code":{"text":"`+strings.Repeat("long", 100)+` `+b.String()+`"}}`))
	all := strings.Fields(list)
	if len(all) > 4000 || len(text) > 33<<10 {
		t.Errorf("%d words, a text of %d bytes", len(all), len(text))
	}
	if longest := slices.MaxFunc(all, func(a, b string) int { return len(a) - len(b) }); len(longest) > 64 {
		t.Errorf("a word has %d bytes", len(longest))
	}
}

// The migrations hold the key of the row.
func TestKeyInMigrations(t *testing.T) {
	for _, name := range []string{"sqlite", "postgres"} {
		text, err := os.ReadFile("../../migrations/" + name + "/20261124000500_words.sql")
		if want := fmt.Sprintf("key = %d", search.KeyOf("Resource", "_content")); err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s lacks %q: %v", name, want, err)
		}
	}
}

func FuzzFullText(f *testing.F) {
	for _, s := range []string{"a b", `"a b" OR -c`, "(膝关节 or x) and NOT y", "-", "(", `a,b\,c`, "<p>x</p>", `"`} {
		f.Add(s)
	}
	r := newRegistry(f)
	f.Fuzz(func(t *testing.T, text string) {
		for _, name := range []string{"_text", "_content"} {
			q := request("Patient", "", true)
			q.Params = []search.Param{{Name: name, Value: text}}
			if plan, _, err := r.Parse(q); err == nil && len(plan.Root.Where) == 0 {
				t.Errorf("%s=%q asks for nothing", name, text)
			}
		}
	})
}
