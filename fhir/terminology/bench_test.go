package terminology_test

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"tenon/fhir/terminology"
	"tenon/profiles/r4"
)

// tall is a Source of a tree of n concepts, ten children each, with displays
// and Chinese designations of usual length for every fourth.
type tall struct {
	n     int
	plain bool
}

func (s tall) code(i int) string { return strconv.Itoa(10_000_000 + i*37) }

func (s tall) Systems() []terminology.Coding {
	return []terminology.Coding{{System: "http://x/tall", Version: "1"}}
}

func (s tall) Concepts(_, _ string, visit func(*terminology.Concept) error) error {
	for i := range s.n {
		c := terminology.Concept{Code: s.code(i), Display: "Disorder of structure " + strconv.Itoa(i) + " of body (finding)"}
		if i > 0 {
			c.Parents = []string{s.code((i - 1) / 10)}
		}
		if i%4 == 0 && !s.plain {
			c.Designations = []terminology.Designation{{Language: "zh-CN", Value: "身体结构疾患" + strconv.Itoa(i)}}
		}
		if err := visit(&c); err != nil {
			return err
		}
	}
	return nil
}

const big = 300_000

func bigServer(b testing.TB) (*terminology.Server, []string) {
	s := source(tall{n: big})
	if n, _, err := s.Load("http://x/tall", ""); err != nil || n != big {
		b.Fatal(n, err)
	}
	codes := make([]string, 4096)
	for i := range codes {
		codes[i] = tall{}.code(i * 73 % big)
	}
	return s, codes
}

// A concept with its display takes at most 120 bytes, and what is asked of a
// right code allocates nothing.
func TestSizeOfATable(t *testing.T) {
	if testing.Short() {
		t.Skip("300,000 concepts")
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	s := source(tall{n: big, plain: true})
	_, bytes, err := s.Load("http://x/tall", "")
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	heap := int(after.HeapAlloc) - int(before.HeapAlloc)
	t.Logf("%d concepts: %d bytes of table, %d of heap, %.1f a concept", big, bytes, heap, float64(heap)/big)
	if heap > 120*big {
		t.Errorf("%d bytes for %d concepts, want at most 120 each", heap, big)
	}
	c := terminology.Coding{System: "http://x/tall", Code: tall{}.code(77_777), Display: "disorder of structure 77777 of body (finding)"}
	s.ValidateCode("http://x/tall?fhir_vs=isa/"+tall{}.code(7), c, nil)
	set := "http://x/tall?fhir_vs=isa/" + tall{}.code(7)
	if n := testing.AllocsPerRun(100, func() {
		if a := s.ValidateCode(set, c, nil); a.Verdict != terminology.Member {
			t.Fatal(a)
		}
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
	runtime.KeepAlive(s)
}

func BenchmarkValidateCode(b *testing.B) {
	s, codes := bigServer(b)
	b.Run("system of 300,000", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			s.ValidateCode("", terminology.Coding{System: "http://x/tall", Code: codes[i%len(codes)]}, nil)
		}
	})
	b.Run("is-a in 300,000", func(b *testing.B) {
		set := "http://x/tall?fhir_vs=isa/" + tall{}.code(3)
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			s.ValidateCode(set, terminology.Coding{System: "http://x/tall", Code: codes[i%len(codes)]}, nil)
		}
	})
	b.Run("map of 300,000", func(b *testing.B) {
		all := make(map[string]string, big)
		_ = tall{n: big}.Concepts("", "", func(c *terminology.Concept) error {
			all[strings.Clone(c.Code)] = strings.Clone(c.Display)
			return nil
		})
		found := 0
		for i := 0; b.Loop(); i++ {
			if all[codes[i%len(codes)]] != "" {
				found++
			}
		}
	})
	r := terminology.New(r4.Library(), terminology.Options{})
	b.Run("required code of R4", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r.ValidateCode("http://hl7.org/fhir/ValueSet/observation-status|4.0.1", terminology.Coding{Code: "final"}, nil)
		}
	})
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		s := source(tall{n: big})
		if _, _, err := s.Load("http://x/tall", ""); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(big)*float64(b.N)/b.Elapsed().Seconds(), "concepts/s")
}

func BenchmarkExpandFilter(b *testing.B) {
	s, _ := bigServer(b)
	ten := 10
	for i := 0; b.Loop(); i++ {
		o := &terminology.ExpandOptions{Filter: fmt.Sprint("structure ", i%1000), Count: &ten}
		if _, err := s.Expand("http://x/tall?fhir_vs", o); err != nil {
			b.Fatal(err)
		}
	}
}
