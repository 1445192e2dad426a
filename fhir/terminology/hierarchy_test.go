package terminology_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"tenon/fhir/terminology"
)

// graph is a Source of one system, and the naive answer to what is below what.
type graph struct {
	parents [][]int // by concept
	order   []int   // in which concepts come
}

func (g *graph) Systems() []terminology.Coding {
	return []terminology.Coding{{System: "http://x/graph", Version: "1"}}
}

func (g *graph) Concepts(_, _ string, visit func(*terminology.Concept) error) error {
	for _, i := range g.order {
		c := terminology.Concept{Code: fmt.Sprint("c", i), Display: fmt.Sprint("Concept ", i)}
		for _, p := range g.parents[i] {
			c.Parents = append(c.Parents, fmt.Sprint("c", p))
		}
		if err := visit(&c); err != nil {
			return err
		}
	}
	return nil
}

// above is everything from i upwards, i included.
func (g *graph) above(i int) map[int]bool {
	seen := map[int]bool{i: true}
	for queue := []int{i}; len(queue) > 0; queue = queue[1:] {
		for _, p := range g.parents[queue[0]] {
			if !seen[p] {
				seen[p] = true
				queue = append(queue, p)
			}
		}
	}
	return seen
}

// randomGraph has parents of lower numbers, so no circle; concepts come in any
// order.
func randomGraph(r *rand.Rand, n, most int) *graph {
	g := &graph{parents: make([][]int, n), order: r.Perm(n)}
	for i := 1; i < n; i++ {
		for range r.IntN(most + 1) {
			if p := r.IntN(i); !slices.Contains(g.parents[i], p) {
				g.parents[i] = append(g.parents[i], p)
			}
		}
	}
	return g
}

func source(g terminology.Source) *terminology.Server {
	return terminology.New(nil, terminology.Options{Source: g})
}

// Subsumption, and what is above and below, is what walking the parents gives:
// in trees, in graphs, and in graphs so dense that spans are given up.
func TestSubsumptionIsReachability(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 60 {
		g := randomGraph(r, 1+r.IntN(60), []int{1, 2, 3, 12}[round%4])
		s := source(g)
		n := len(g.parents)
		below := make([][]string, n)
		for b := range n {
			up := g.above(b)
			var above []string
			for a := range up {
				above = append(above, fmt.Sprint("c", a))
				below[a] = append(below[a], fmt.Sprint("c", b))
			}
			if got := collect(t, s.Above, b); !slices.Equal(got, sorted(above)) {
				t.Fatalf("Above(c%d) = %v, want %v in %v", b, got, sorted(above), g.parents)
			}
			for a := range n {
				want := terminology.NotSubsumed
				switch {
				case a == b:
					want = terminology.Equivalent
				case up[a]:
					want = terminology.Subsumes
				case g.above(a)[b]:
					want = terminology.SubsumedBy
				}
				if got, err := s.Subsumes("http://x/graph", "", fmt.Sprint("c", a), fmt.Sprint("c", b)); got != want || err != nil {
					t.Fatalf("Subsumes(c%d, c%d) = %v, %v, want %v in %v", a, b, got, err, want, g.parents)
				}
			}
		}
		for a := range n {
			if got := collect(t, s.Below, a); !slices.Equal(got, sorted(below[a])) {
				t.Fatalf("Below(c%d) = %v, want %v in %v", a, got, sorted(below[a]), g.parents)
			}
		}
	}
}

func collect(t *testing.T, walk func(system, version, code string, visit func(string) bool) error, i int) []string {
	t.Helper()
	var got []string
	err := walk("http://x/graph", "1", fmt.Sprint("c", i), func(code string) bool {
		got = append(got, code)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return sorted(got)
}

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}

// A dense graph is answered by climbing, and rightly.
func TestDenseGraph(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const n = 3000
	g := &graph{parents: make([][]int, n), order: r.Perm(n)}
	for i := n / 2; i < n; i++ { // every lower one below many upper ones
		for range 200 {
			if p := r.IntN(n / 2); !slices.Contains(g.parents[i], p) {
				g.parents[i] = append(g.parents[i], p)
			}
		}
	}
	s := source(g)
	for range 2000 {
		a, b := r.IntN(n), r.IntN(n)
		want := terminology.NotSubsumed
		switch {
		case a == b:
			want = terminology.Equivalent
		case slices.Contains(g.parents[b], a):
			want = terminology.Subsumes
		case slices.Contains(g.parents[a], b):
			want = terminology.SubsumedBy
		}
		if got, err := s.Subsumes("http://x/graph", "", fmt.Sprint("c", a), fmt.Sprint("c", b)); got != want || err != nil {
			t.Fatalf("Subsumes(c%d, c%d) = %v, %v, want %v", a, b, got, err, want)
		}
	}
	list := collect(t, s.Below, 0)
	want := 1
	for i := range g.parents {
		if slices.Contains(g.parents[i], 0) {
			want++
		}
	}
	if len(list) != want {
		t.Errorf("%d below c0, want %d", len(list), want)
	}
}

// A resource whose parents go in a circle is used without the edge that closes
// it.
func TestCircleInAResource(t *testing.T) {
	s := server(t, `{"resourceType":"CodeSystem","url":"http://x/circle","status":"active","content":"complete","concept":[
		{"code":"a","property":[{"code":"parent","valueCode":"c"}]},{"code":"b","property":[{"code":"parent","valueCode":"a"}]},
		{"code":"c","property":[{"code":"parent","valueCode":"b"},{"code":"parent","valueCode":"c"}]},{"code":"a","display":"again"}]}`)
	for _, code := range []string{"a", "b", "c"} {
		if a := s.ValidateCode("", terminology.Coding{System: "http://x/circle", Code: code}, nil); a.Verdict != terminology.Member {
			t.Errorf("%s = %v, want Member", code, a.Verdict)
		}
		n := 0
		if err := s.Below("http://x/circle", "", code, func(string) bool { n++; return true }); err != nil || n == 0 {
			t.Errorf("Below(%s) = %d, %v", code, n, err)
		}
	}
}

// The child property places concepts as the parent property does.
func TestChildProperty(t *testing.T) {
	s := server(t, `{"resourceType":"CodeSystem","url":"http://x/child","status":"active","content":"complete","concept":[
		{"code":"a","property":[{"code":"child","valueCode":"c"},{"code":"child","valueCode":"ghost"}]},{"code":"b"},{"code":"c"}]}`)
	if got, err := s.Subsumes("http://x/child", "", "a", "c"); got != terminology.Subsumes || err != nil {
		t.Errorf("Subsumes(a, c) = %v, %v", got, err)
	}
	if got, err := s.Subsumes("http://x/child", "", "b", "c"); got != terminology.NotSubsumed || err != nil {
		t.Errorf("Subsumes(b, c) = %v, %v", got, err)
	}
}

func TestUnitsSubsume(t *testing.T) {
	s := server(t)
	for _, c := range []struct{ a, b, want string }{
		{"mg", "mg", terminology.Equivalent}, {"L", "dm3", terminology.Equivalent}, {"L", "mL", terminology.NotSubsumed},
		{"Cel", "K", terminology.NotSubsumed}, {"kg", "m", terminology.NotSubsumed},
	} {
		if got, err := s.Subsumes("http://unitsofmeasure.org", "", c.a, c.b); got != c.want || err != nil {
			t.Errorf("Subsumes(%s, %s) = %v, %v, want %v", c.a, c.b, got, err, c.want)
		}
	}
	if _, err := s.Subsumes("http://x/animals", "", "bat", "ghost"); err == nil {
		t.Error("an unknown code must be an error")
	}
}
