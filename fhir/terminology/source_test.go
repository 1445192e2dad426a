package terminology_test

import (
	"errors"
	"sync"
	"testing"

	"tenon/fhir/terminology"
)

// counted is a Source that counts how often it is read.
type counted struct {
	version string
	reads   *int
	fail    *bool
	id      any
}

func (c *counted) Systems() []terminology.Coding {
	return []terminology.Coding{{System: "http://x/absent", Version: c.version}, {System: "http://x/new", Version: "1"}}
}

func (c *counted) Concepts(system, version string, visit func(*terminology.Concept) error) error {
	*c.reads++
	if *c.fail {
		return errors.New("the database is away")
	}
	return visit(&terminology.Concept{Code: "1", Display: "One"})
}

func (c *counted) Identity(system, version string) any { return c.id }

func TestSource(t *testing.T) {
	reads, fail := 0, true
	told := 0
	from := &counted{version: "3", reads: &reads, fail: &fail, id: 7}
	s := terminology.New(library(t), terminology.Options{Source: from, Progress: func(_ terminology.Coding, n int) { told = n }})
	one := terminology.Coding{System: "http://x/absent", Code: "1"}
	if a := s.ValidateCode("", one, nil); a.Verdict != terminology.Unknown || reads != 1 {
		t.Errorf("while the source fails: %+v after %d reads, want Unknown", a, reads)
	}
	fail = false
	for range 3 {
		if a := s.ValidateCode("", one, nil); a.Verdict != terminology.Member || a.Display != "One" {
			t.Errorf("when the source works: %+v", a)
		}
	}
	if reads != 2 || told != 1 {
		t.Errorf("%d reads and progress %d, want 2 and 1", reads, told)
	}
	if a := s.ValidateCode("", terminology.Coding{System: "http://x/absent", Code: "2"}, nil); a.Verdict != terminology.NotMember {
		t.Errorf("2 = %v, want NotMember: the source has all", a.Verdict)
	}
	if a := s.ValidateCode("", terminology.Coding{System: "http://x/absent", Version: "4", Code: "1"}, nil); a.Verdict != terminology.Unknown {
		t.Errorf("another version = %v, want Unknown", a.Verdict)
	}
	t.Run("what has not changed is not loaded again", func(t *testing.T) {
		next := terminology.New(library(t), terminology.Options{Source: &counted{version: "3", reads: &reads, fail: &fail, id: 7}, Previous: s})
		if a := next.ValidateCode("", one, nil); a.Verdict != terminology.Member || reads != 2 {
			t.Errorf("%v after %d reads, want 2", a.Verdict, reads)
		}
		next = terminology.New(library(t), terminology.Options{Source: &counted{version: "3", reads: &reads, fail: &fail, id: 8}, Previous: s})
		if a := next.ValidateCode("", one, nil); a.Verdict != terminology.Member || reads != 3 {
			t.Errorf("%v after %d reads of another import, want 3", a.Verdict, reads)
		}
	})
}

// A server over a changed library sees the change, and shares what is the same.
func TestPrevious(t *testing.T) {
	lib := library(t)
	s := terminology.New(lib, terminology.Options{})
	bat := terminology.Coding{System: "http://x/animals", Code: "bat"}
	if a := s.ValidateCode("", bat, nil); a.Verdict != terminology.Member {
		t.Fatal(a)
	}
	more := lib.With(read(t, `{"resourceType":"CodeSystem","url":"http://x/more","status":"active","content":"supplement","supplements":"http://x/animals","concept":[{"code":"bat","designation":[{"language":"fr","value":"Chauve-souris"}]}]}`))
	s2 := terminology.New(more, terminology.Options{Previous: s})
	if a := s2.ValidateCode("", bat, &terminology.CodeOptions{Language: "fr"}); a.Display != "Chauve-souris" {
		t.Errorf("with a supplement: %+v", a)
	}
	s3 := terminology.New(more.Without("CodeSystem", "http://x/animals"), terminology.Options{Previous: s2})
	if a := s3.ValidateCode("", bat, nil); a.Verdict != terminology.Unknown {
		t.Errorf("without the system: %+v", a)
	}
	if a := s.ValidateCode("", bat, &terminology.CodeOptions{Language: "fr"}); a.Display != "Bat" {
		t.Errorf("the first server changed: %+v", a)
	}
}

// Many ask at once, of what is not compiled yet.
func TestConcurrent(t *testing.T) {
	reads, fail := 0, false
	s := terminology.New(library(t, compose("http://x/mammals", `"include":[{"system":"http://x/animals","filter":[{"property":"concept","op":"is-a","value":"mammal"}]}]`),
		compose("http://x/both", `"include":[{"valueSet":["http://x/mammals"]},{"system":"http://x/absent"}]`)),
		terminology.Options{Source: &counted{version: "3", reads: &reads, fail: &fail}})
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 50 {
				if a := s.ValidateCode("http://x/both", terminology.Coding{System: "http://x/animals", Code: "bat"}, nil); a.Verdict != terminology.Member {
					t.Errorf("bat = %+v", a)
				}
				if a := s.ValidateCode("http://x/both", terminology.Coding{Code: "1"}, nil); a.Verdict != terminology.Member {
					t.Errorf("1 = %+v", a)
				}
				if _, err := s.Expand("http://x/both", nil); err != nil {
					t.Error(err)
				}
				if _, err := s.Translate(&terminology.TranslateRequest{Source: "http://x", Codings: []terminology.Coding{{Code: "1"}}}); err != nil {
					t.Error(err)
				}
				terminology.New(library(t), terminology.Options{Previous: s})
			}
		})
	}
	wait.Wait()
	if reads != 1 {
		t.Errorf("%d reads, want one", reads)
	}
}
