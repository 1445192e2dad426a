package storetest

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	"tenon/server/record"
	"tenon/server/revision"
	"tenon/server/search"
)

var reindexTests = map[string]func(*fixture){
	"pages":              reindexPages,
	"stale":              reindexStale,
	"all rows":           reindexAll,
	"one holder":         reindexHolder,
	"definitions moved":  reindexMoved,
	"breaks off":         reindexBreaks,
	"large bodies":       reindexLarge,
	"begins anew":        reindexAnew,
	"complete":           complete,
	"forgotten":          forgotten,
	"format of an empty": adopted,
	"check":              checked,
}

const me = "me"

// parameter is the subject of a posted search parameter of patients.
func parameter(id string, version int64) revision.Subject {
	return revision.Subject{Name: "SearchParameter/" + id, Version: version, Signature: 7, Types: []string{"Patient"}}
}

func (f *fixture) begin(holder string, subjects ...revision.Subject) []revision.Progress {
	f.Helper()
	all, err := f.BeginReindex(f.ctx(), f.held().Number, holder, subjects)
	f.must(err)
	return all
}

// complete takes up and finishes, whatever there is.
func (f *fixture) complete(subjects ...revision.Subject) error {
	number, err := f.Definitions(f.ctx())
	if err != nil {
		return err
	}
	all, err := f.BeginReindex(f.ctx(), number, me, subjects)
	if err != nil {
		return err
	}
	return f.FinishReindex(f.ctx(), number, me, subjects, all[0].At)
}

var nick = []search.Key{search.KeyOf("Patient", "nick"), search.KeyOf("Patient", "nick:sort")}

// nicked gives a patient's rows: two texts of the new key.
func nicked([]byte) (search.Rows, error) {
	return search.Rows{
		Strings: []search.StringRow{{Key: nick[0], Normalised: "lao", Exact: "Lao"}, {Key: nick[0], Normalised: "lao", Exact: "lao"}},
		Tokens:  []search.TokenRow{{Key: nick[0], System: "s", Code: "c"}}, Dates: []search.DateRow{{Key: nick[0], Low: 1, High: 2}},
		Numbers:    []search.NumberRow{{Key: nick[0], Low: 1, High: 1}},
		References: []search.ReferenceRow{{Key: nick[0], Type: "Patient", ID: "1"}}, URIs: []search.URIRow{{Key: nick[0], URI: "urn:x"}},
		Groups: []search.GroupRow{{Key: nick[0], Row: search.TokenRow{Code: "c"}}},
	}, nil
}

func (f *fixture) nicked(text string) []string {
	return f.find(plan("Patient", search.String{Key: nick[0], Any: []search.StringMatch{{Value: text}}}))
}

func (f *fixture) named(text string) []string {
	return f.find(plan("Patient", search.String{Key: search.KeyOf("Patient", "name"), Any: []search.StringMatch{{Value: text}}}))
}

// batch is the next piece of work on a subject.
func (f *fixture) batch(p revision.Progress, keys []search.Key, limit int) revision.Batch {
	return revision.Batch{Number: f.held().Number, Holder: me, Subjects: []string{p.Name}, Types: p.Types, Keys: keys, From: p.At, Limit: limit}
}

// patients are five, one with an old row of the key, and one that is deleted.
func (f *fixture) patients() {
	for i := range 5 {
		f.put(Make("Patient", fmt.Sprint(i), 1, String("name", "wang")), Make("Observation", fmt.Sprint(i), 1))
	}
	f.put(Make("Patient", "old", 1, String("nick", "zhuang")), Make("Patient", "gone", 1), Make("Patient", "gone", 2, Deleted))
}

// reindexPages adds the rows of a parameter to what is there, page by page, twice
// without doubling, and takes old ones of the same key away.
func reindexPages(f *fixture) {
	f.patients()
	for range 2 {
		p := f.begin(me, parameter("a", 1))[0]
		if p.At != 0 || p.Done != 0 || p.Total != 6 || !p.Held || !p.Finished.IsZero() {
			f.Fatalf("BeginReindex() = %+v, want 6 from the beginning", p)
		}
		b := f.batch(p, nick, 4)
		seen := 0
		for end := false; !end; {
			step, err := f.Reindex(f.ctx(), b, nicked)
			f.must(err)
			seen, b.From, end = seen+step.Seen, step.At, step.End
		}
		if seen != 6 {
			f.Errorf("Reindex() looked at %d resources, want 6", seen)
		}
		f.must(f.FinishReindex(f.ctx(), b.Number, me, []revision.Subject{p.Subject}, b.From))
		if all, err := f.Reindexes(f.ctx()); err != nil || len(all) != 1 || all[0].Done != 6 || all[0].Finished.IsZero() || all[0].Held {
			f.Errorf("Reindexes() = %+v, %v", all, err)
		}
	}
	f.want("the new key", f.nicked("lao"), "Patient/0", "Patient/1", "Patient/2", "Patient/3", "Patient/4", "Patient/old")
	f.want("its old rows", f.nicked("zhuang"))
	f.want("another key", f.named("wang"), "Patient/0", "Patient/1", "Patient/2", "Patient/3", "Patient/4")
	f.want("a token", f.find(plan("Patient", Code("Patient", "nick", "s", "c"))),
		"Patient/0", "Patient/1", "Patient/2", "Patient/3", "Patient/4", "Patient/old")
}

// reindexStale has a resource that is written while its rows are made: the rows
// of its new version stay.
func reindexStale(f *fixture) {
	f.put(Make("Patient", "1", 1))
	p := f.begin(me, parameter("a", 1))[0]
	step, err := f.Reindex(f.ctx(), f.batch(p, nick, 10), func(body []byte) (search.Rows, error) {
		f.put(Make("Patient", "1", 2, String("nick", "zhuang")))
		return nicked(body)
	})
	if err != nil || step.Seen != 1 || !step.End {
		f.Fatalf("Reindex() = %+v, %v", step, err)
	}
	f.want("what the new version says", f.nicked("zhuang"), "Patient/1")
	f.want("what the old one said", f.nicked("lao"))
}

// reindexAll replaces rows of every key.
func reindexAll(f *fixture) {
	f.patients()
	p := f.begin(me, revision.Subject{Name: revision.WholeIndex, Version: search.Format, Types: []string{"Patient"}})[0]
	_, err := f.Reindex(f.ctx(), f.batch(p, nil, 10), nicked)
	f.must(err)
	f.want("the rows that were made", f.nicked("lao"), "Patient/0", "Patient/1", "Patient/2", "Patient/3", "Patient/4", "Patient/old")
	f.want("rows that are not made any more", f.named("wang"))
}

// reindexHolder has another who wants the same work: the first keeps it until it
// leaves it, and the other goes on where it stood.
func reindexHolder(f *fixture) {
	f.patients()
	p := f.begin(me, parameter("a", 1))[0]
	if other := f.begin("other", parameter("a", 1))[0]; other.Held {
		f.Errorf("another holds it too: %+v", other)
	}
	b := f.batch(p, nick, 2)
	step, err := f.Reindex(f.ctx(), b, nicked)
	f.must(err)
	if _, err := f.Reindex(f.ctx(), b, nicked); !errors.Is(err, revision.ErrMoved) {
		f.Errorf("Reindex() of what is done = %v, want ErrMoved", err)
	}
	theirs := b
	theirs.Holder, theirs.From = "other", step.At
	if _, err := f.Reindex(f.ctx(), theirs, nicked); !errors.Is(err, revision.ErrMoved) {
		f.Errorf("Reindex() of another = %v, want ErrMoved", err)
	}
	f.must(f.LeaveReindex(f.ctx(), me, "no disk"))
	if all, err := f.Reindexes(f.ctx()); err != nil || all[0].Failure != "no disk" || all[0].Held {
		f.Errorf("Reindexes() = %+v, %v, want the failure", all, err)
	}
	other := f.begin("other", parameter("a", 1))[0]
	if !other.Held || other.At != step.At || other.Done != 2 {
		f.Errorf("after it was left: %+v, want to go on at %d", other, step.At)
	}
	if _, err := f.Reindex(f.ctx(), theirs, nicked); err != nil {
		f.Errorf("Reindex() of the new holder = %v", err)
	}
}

// reindexMoved has a definition change between the making of rows and their
// commit: they may be wrong by now, and nothing is written.
func reindexMoved(f *fixture) {
	f.patients()
	p := f.begin(me, parameter("a", 1))[0]
	b := f.batch(p, nick, 10)
	f.put(Make("SearchParameter", "b", 1))
	if _, err := f.Reindex(f.ctx(), b, nicked); !errors.Is(err, revision.ErrMoved) {
		f.Errorf("Reindex() = %v, want ErrMoved", err)
	}
	if err := f.FinishReindex(f.ctx(), b.Number, me, []revision.Subject{p.Subject}, 0); !errors.Is(err, revision.ErrMoved) {
		f.Errorf("FinishReindex() = %v, want ErrMoved", err)
	}
	if _, err := f.BeginReindex(f.ctx(), b.Number, me, []revision.Subject{p.Subject}); !errors.Is(err, revision.ErrMoved) {
		f.Errorf("BeginReindex() = %v, want ErrMoved", err)
	}
	f.want("what was written", f.nicked("lao"))
	f.want("what was there", f.nicked("zhuang"), "Patient/old")
}

// reindexBreaks has a body that cannot be indexed: nothing of its batch is there,
// and the place is as it was.
func reindexBreaks(f *fixture) {
	f.patients()
	p := f.begin(me, parameter("a", 1))[0]
	n, broken := 0, errors.New("broken")
	_, err := f.Reindex(f.ctx(), f.batch(p, nick, 10), func(body []byte) (search.Rows, error) {
		if n++; n == 3 {
			return search.Rows{}, broken
		}
		return nicked(body)
	})
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "Patient/2") {
		f.Errorf("Reindex() = %v, want the error with its resource", err)
	}
	if again := f.begin(me, parameter("a", 1))[0]; again.At != 0 || again.Done != 0 {
		f.Errorf("after it broke off: %+v, want the beginning", again)
	}
	f.want("what was written", f.nicked("lao"))
}

// reindexLarge ends a batch early when bodies are large.
func reindexLarge(f *fixture) {
	large := Body(`{"resourceType":"Patient","id":"` + strings.Repeat("x", 9<<20) + `"}`)
	f.put(Make("Patient", "1", 1, large), Make("Patient", "2", 1, large), Make("Patient", "3", 1))
	p := f.begin(me, parameter("a", 1))[0]
	step, err := f.Reindex(f.ctx(), f.batch(p, nick, 10), nicked)
	if err != nil || step.Seen != 2 || step.End {
		f.Fatalf("Reindex() = %+v, %v, want two", step, err)
	}
	p.At = step.At
	if step, err = f.Reindex(f.ctx(), f.batch(p, nick, 10), nicked); err != nil || step.Seen != 1 || !step.End {
		f.Errorf("Reindex() = %+v, %v, want the last one", step, err)
	}
}

// reindexAnew begins at the beginning for another version, another signature, and
// what was finished.
func reindexAnew(f *fixture) {
	f.patients()
	begun := parameter("a", 1)
	step := func(want string, s revision.Subject) {
		f.Helper()
		p := f.begin(me, s)[0]
		if p.At != 0 || p.Version != s.Version || p.Signature != s.Signature {
			f.Errorf("%s: %+v, want the beginning", want, p)
		}
		_, err := f.Reindex(f.ctx(), f.batch(p, nick, 2), nicked)
		f.must(err)
	}
	step("a new one", begun)
	if p := f.begin(me, begun)[0]; p.At == 0 || p.Done != 2 {
		f.Errorf("the same again: %+v, want where it stood", p)
	}
	begun.Version = 2
	step("another version", begun)
	begun.Signature = 8
	step("another signature", begun)
	p := f.begin(me, begun)[0]
	f.must(f.FinishReindex(f.ctx(), f.held().Number, me, []revision.Subject{begun}, p.At))
	step("what was finished", begun)
}

func complete(f *fixture) {
	before := f.held().Number
	f.must(f.complete(parameter("a", 1), parameter("a-b", 1)))
	f.must(f.complete(parameter("a", 3)))
	f.must(f.complete(revision.Subject{Name: "Patient.name"}))
	f.must(f.complete(revision.Subject{Name: revision.WholeIndex, Version: 9}))
	h := f.held()
	want := map[revision.Posted]int64{{Type: "SearchParameter", ID: "a", Version: 3}: 7, {Type: "SearchParameter", ID: "a-b", Version: 1}: 7}
	if !maps.Equal(h.Complete, want) || h.Number != before+4 || h.Format != 9 {
		f.Errorf("Held() = %v at %d, format %d, want %v at %d, format 9", h.Complete, h.Number, h.Format, want, before+4)
	}
	u := f.unit(Make("Patient", "late", 1))
	u.Reads.Definitions = h.Number - 1
	f.stale(u)
}

func forgotten(f *fixture) {
	f.must(f.complete(parameter("a", 1), parameter("a-b", 1)))
	f.must(f.ForgetComplete(f.ctx(), []revision.Posted{{Type: "SearchParameter", ID: "a", Version: 1}}))
	if h := f.held(); len(h.Complete) != 1 || h.Complete[revision.Posted{Type: "SearchParameter", ID: "a-b", Version: 1}] != 7 {
		f.Errorf("Held() = %v, want a-b alone", h.Complete)
	}
}

// adopted gives an empty database a format, and none to one that holds something.
func adopted(f *fixture) {
	if h := f.held(); h.Format != 1 {
		f.Errorf("Held().Format of a database that says nothing = %d, want 1", h.Format)
	}
	f.must(f.Adopt(f.ctx(), 2))
	f.must(f.Adopt(f.ctx(), 3))
	if h := f.held(); h.Format != 3 {
		f.Errorf("Held().Format of an empty database = %d, want 3", h.Format)
	}
	f.put(Make("Patient", "1", 1))
	f.must(f.Adopt(f.ctx(), 4))
	if h := f.held(); h.Format != 3 {
		f.Errorf("Held().Format = %d, want 3: its rows are older than 4", h.Format)
	}
}

// checked has rows of every kind that are not those of the resource: each is
// found missing, and each of the others surplus.
func checked(f *fixture) {
	rows, err := nicked(nil)
	f.must(err)
	v := Make("Patient", "1", 1, func(v *record.Version) { v.Rows = rows })
	f.put(v, Make("Patient", "2", 1), Make("Patient", "2", 2, Deleted))
	all := func(search.Key) bool { return true }
	judge := func(what string, want ...string) {
		f.Helper()
		v := v
		differs, err := f.CheckIndex(f.ctx(), &v, all)
		f.must(err)
		stray, err := f.CheckStray(f.ctx())
		f.must(err)
		f.want(what, append(differs, stray...), want...)
	}
	judge("as it was written")
	change := func(rows search.Rows) {
		f.Helper()
		p := f.begin(me, parameter("a", 1))[0]
		b := f.batch(p, nil, 10)
		_, err := f.Reindex(f.ctx(), b, func([]byte) (search.Rows, error) { return rows, nil })
		f.must(err)
		f.must(f.FinishReindex(f.ctx(), b.Number, me, []revision.Subject{p.Subject}, f.begin(me, p.Subject)[0].At))
	}
	tables := []string{"token_row", "string_row", "date_row", "number_row", "reference_row", "uri_row", "group_row"}
	var missing, both []string
	for _, table := range tables {
		n := 1
		if table == "string_row" {
			n = 2
		}
		missing = append(missing, fmt.Sprintf("%s: %d missing", table, n))
		both = append(both, fmt.Sprintf("%s: %d missing", table, n), table+": 1 surplus")
	}
	change(search.Rows{})
	judge("without rows", missing...)
	k := nick[1]
	change(search.Rows{
		Tokens: []search.TokenRow{{Key: k}}, Strings: []search.StringRow{{Key: k}}, Dates: []search.DateRow{{Key: k}}, Numbers: []search.NumberRow{{Key: k}},
		References: []search.ReferenceRow{{Key: k, ID: "1"}}, URIs: []search.URIRow{{Key: k}}, Groups: []search.GroupRow{{Key: k, Row: search.DateRow{}}},
	})
	judge("with other rows", both...)
	change(rows)
	judge("made again")
}
