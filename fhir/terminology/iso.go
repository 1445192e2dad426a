package terminology

import (
	_ "embed" // the two lists
	"encoding/csv"
	"strings"
	"sync"
)

// iso3166 has the countries: codes and English names as the R4 value set
// iso3166-1-2 lists them, three letters and numbers of the same standard,
// Chinese names as Unicode CLDR gives them.
//
//go:embed data/iso3166.csv
var iso3166 string

// iso4217 has the currencies in force and those that were.
//
//go:embed data/iso4217.csv
var iso4217 string

// listed are systems that R4 names, that no package defines and that are short
// enough to be known here. A library that has their content has the say.
var listed = map[string]func() *system{
	"urn:iso:std:iso:3166": sync.OnceValue(func() *system {
		return listedSystem("urn:iso:std:iso:3166", "ISO3166Part1", "ISO 3166-1 countries", iso3166, func(row []string) (out []Concept) {
			names := append(chinese(row[4]), spellings(row[0], row[3])...)
			for _, code := range row[:3] {
				out = append(out, Concept{Code: code, Display: row[3], Designations: names})
			}
			return out
		})
	}),
	"urn:iso:std:iso:4217": sync.OnceValue(func() *system {
		return listedSystem("urn:iso:std:iso:4217", "ISO4217", "ISO 4217 currencies", iso4217, func(row []string) []Concept {
			return []Concept{{Code: row[0], Display: row[1], Designations: chinese(row[2]), Inactive: row[3] == "retired"}}
		})
	}),
}

func chinese(name string) []Designation {
	if name == "" {
		return nil
	}
	return []Designation{{Language: "zh-CN", Use: "display", Value: name}}
}

// withArticle are the countries whose name the standard writes with "(the)".
const withArticle = " AE AX BS CC CF CG CK DO EH FK FO GB GM KM KY LA MH MP NE NL PH RU SD SY TC TF UM US VA "

// spellings are other forms of an English name that the standard has used:
// "Netherlands (the)", "Bolivia (Plurinational State of)".
func spellings(code, name string) (list []Designation) {
	if strings.Contains(withArticle, " "+code+" ") {
		list = append(list, Designation{Language: "en", Use: synonym, Value: name + " (the)"})
	}
	if first, rest, ok := strings.Cut(name, ", "); ok {
		list = append(list, Designation{Language: "en", Use: synonym, Value: first + " (" + rest + ")"})
		if strings.HasSuffix(rest, " of") {
			list = append(list, Designation{Language: "en", Use: synonym, Value: first + " (the " + rest + ")"})
		}
	}
	return list
}

func listedSystem(url, name, title, list string, concepts func(row []string) []Concept) *system {
	cs := &system{url: url, name: name, title: title, language: "en", content: "complete", held: true}
	cs.load = func() (*table, error) {
		rows, err := csv.NewReader(strings.NewReader(list)).ReadAll()
		if err != nil {
			return nil, err
		}
		b := newBuilder(false)
		for _, row := range rows[1:] {
			for _, c := range concepts(row) {
				if _, _, err := b.add(&c); err != nil {
					return nil, err
				}
			}
		}
		return b.finish(lenientParent, lenient)
	}
	return cs
}
