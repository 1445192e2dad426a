package app

import (
	"sync"

	"tenon/fhir/tree"
	"tenon/profiles"
)

// word is a code's display in both languages.
type word struct{ english, chinese string }

// words are the displays of our own code systems, by system and code.
var words = sync.OnceValue(func() map[string]map[string]word {
	all := map[string]map[string]word{}
	for _, body := range profiles.Definitions() {
		doc, err := tree.Parse(body)
		if err != nil || doc.Root().Field("resourceType").Str() != "CodeSystem" {
			continue
		}
		of := map[string]word{}
		for c := range doc.Root().Field("concept").Items() {
			w := word{english: c.Field("display").Str()}
			for d := range c.Field("designation").Items() {
				if d.Field("language").Str() == "zh" {
					w.chinese = d.Field("value").Str()
				}
			}
			of[c.Field("code").Str()] = w
		}
		all[doc.Root().Field("url").Str()] = of
	}
	return all
})

// said is a code in both languages, or itself where it has no words.
func said(system, code string) string {
	w, ok := words()["urn:tenon:"+system][code]
	if !ok || w.chinese == "" {
		return code
	}
	return w.chinese + " " + w.english
}
