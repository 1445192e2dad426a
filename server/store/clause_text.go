package store

import (
	"strconv"
	"strings"

	"tenon/server/search"
)

// The full text of a resource is the one string row of its key: the words in
// norm and rest, the text in exact. Each engine has an inverted index over the
// words, which the database keeps by itself: PostgreSQL an array in a GIN index,
// SQLite a table of FTS5 that triggers on string_row write. A text that is cut
// into words is the same on both; neither engine's own reading of languages has
// a part in it.
//
// https://hl7.org/fhir/R4/search.html#content

// endOfNarrative is where the narrative ends in exact.
const endOfNarrative = "\x1e"

// fullText appends the clause as a condition on r.
func (s *statement) fullText(r string, c search.Text) {
	t := s.alias("t")
	s.add("EXISTS (SELECT 1 FROM string_row "+t+" WHERE "+t+".rid = "+r+".rid AND "+t+".key = ?", int64(c.Key))
	if s.d.postgres {
		s.add(" AND "+wordsOf(t)+" @> ?", c.Words)
	} else {
		for _, word := range c.Words {
			s.add(" AND instr(' ' || "+t+".norm || "+t+".rest || ' ', ?) > 0", " "+word+" ")
		}
	}
	s.inText(t, c).shut()
}

// inText appends that the phrase is there. The first place counts: behind the
// narrative is where there is none in it.
func (s *statement) inText(t string, c search.Text) *statement {
	if c.Phrase == "" {
		return s
	}
	in := "instr"
	if s.d.postgres {
		in = "strpos"
	}
	if c.Narrative {
		return s.add(" AND "+in+"("+t+".exact, ?) BETWEEN 1 AND "+in+"("+t+".exact, ?)", c.Phrase, endOfNarrative)
	}
	return s.add(" AND "+in+"("+t+".exact, ?) > 0", c.Phrase)
}

// textSource selects by the index, and then by the phrase.
func (s *statement) textSource(c search.Text) {
	t := s.alias("t")
	if s.d.postgres { // the key is written out: the index is of this key alone
		s.add("SELECT "+t+".rid FROM string_row "+t+" WHERE "+t+".key = "+strconv.Itoa(int(c.Key))+" AND "+wordsOf(t)+" @> ? AND "+t+".tenant = ?", c.Words, s.tenant)
		s.inText(t, c)
		return
	}
	match := `"` + strings.Join(c.Words, `" "`) + `"`
	if c.Phrase == "" {
		s.add("SELECT "+t+".rowid AS rid FROM string_words "+t+" WHERE "+t+".string_words MATCH ?", match)
		return
	}
	w := s.alias("w")
	s.add("SELECT "+t+".rid FROM string_words "+w+" CROSS JOIN string_row "+t+" ON "+t+".rid = "+w+".rowid AND "+t+".key = ? WHERE "+w+".string_words MATCH ?", int64(c.Key), match)
	s.inText(t, c)
}

// wordsOf is what the index of PostgreSQL is over.
func wordsOf(t string) string { return "string_to_array(" + t + ".norm || " + t + ".rest, ' ')" }
