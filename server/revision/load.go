package revision

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tenon/fhir/definition"
	"tenon/fhir/ig"
	"tenon/fhir/issue"
	"tenon/fhir/terminology"
)

// Loading is what a load needs of the database. What is not finished is in
// force for nobody.
type Loading interface {
	Store
	BeginPackage(ctx context.Context, p Package) (key int64, err error)
	// AddToPackage adds entries in one transaction; from is how many came before.
	AddToPackage(ctx context.Context, key int64, from int, entries []Entry) error
	BeginSystem(ctx context.Context, url, version string) (key int64, err error)
	// ConceptSink fills a code system.
	ConceptSink(key int64) ConceptSink
	// Finish puts all of it in force at once, in the place of what has the same
	// name or URL and version.
	Finish(ctx context.Context, packages, systems []int64) error
	// Drop takes out of force and deletes.
	Drop(ctx context.Context, packages, systems []int64) error
}

// Entry is a resource on its way into a package.
type Entry struct {
	Resource *definition.Resource
	Body     []byte
}

// ConceptSink takes the concepts of one code system; Close writes what is left.
type ConceptSink interface {
	Add(ctx context.Context, c *terminology.Concept) error
	Close(ctx context.Context) error
	Total() int64
}

// Loader brings packages and large code systems into a database: all that one
// call is given, or nothing.
type Loader struct {
	Store Loading
	// Lenient goes on when a dependency is not at hand.
	Lenient bool
	// Note is told what a person should know (a dependency in another version),
	// Progress what is being loaded, often; both may be nil.
	Note     func(text string)
	Progress func(what string, n int64)

	packages, systems []int64
}

// embedded are the packages that the base library carries besides R4 itself,
// which ig knows.
var embedded = []ig.Reference{{Name: "hl7.terminology.r4", Version: "7.0.1"}, {Name: "hl7.terminology", Version: "7.0.1"}}

// Packages loads package files with what they need of each other, of what is
// loaded, and of a folder of packages ("" for none). It returns what it loaded,
// in order.
func (l *Loader) Packages(ctx context.Context, files []string, folder string) (loaded []Package, err error) {
	defer func() { err = errors.Join(err, l.undo(ctx, err)) }()
	at, want, pool, err := l.manifests(files, folder)
	if err != nil {
		return nil, err
	}
	held, err := l.Store.Held(ctx, []string{})
	if err != nil {
		return nil, err
	}
	plan, err := planned(want, pool, references(held))
	if err != nil {
		return nil, err
	}
	if err := l.missing(plan); err != nil {
		return nil, err
	}
	for _, m := range plan.Order {
		p, err := l.load(ctx, m, at[m])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", at[m], err)
		}
		loaded = append(loaded, p)
	}
	return loaded, l.Store.Finish(ctx, l.packages, l.systems)
}

// undo drops what was begun when something failed, even if the caller has gone.
func (l *Loader) undo(ctx context.Context, failed error) error {
	packages, systems := l.packages, l.systems
	l.packages, l.systems = nil, nil
	if failed == nil || len(packages)+len(systems) == 0 {
		return nil
	}
	return l.Store.Drop(context.WithoutCancel(ctx), packages, systems)
}

func references(h *Held) []ig.Reference {
	out := slices.Clone(embedded)
	for _, p := range h.Packages {
		out = append(out, ig.Reference{Name: p.Name, Version: p.Version})
	}
	return out
}

// manifests reads what the files and the folder hold, and where each lies.
func (l *Loader) manifests(files []string, folder string) (at map[*ig.Manifest]string, want, pool []*ig.Manifest, err error) {
	at = map[*ig.Manifest]string{}
	for _, file := range files {
		m, err := manifestOf(file)
		if err != nil {
			return nil, nil, nil, fmt.Errorf("%s: %w", file, err)
		}
		at[m], want = file, append(want, m)
	}
	if folder == "" {
		return at, want, nil, nil
	}
	found, skipped, err := ig.Folder(os.DirFS(folder), ig.Limits{})
	for _, err := range skipped {
		l.note("passed over: " + err.Error())
	}
	for _, f := range found {
		at[f.Manifest], pool = filepath.Join(folder, f.Path), append(pool, f.Manifest)
	}
	return at, want, pool, err
}

func manifestOf(file string) (*ig.Manifest, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, unwrapPath(err)
	}
	defer f.Close()
	return ig.ReadManifest(f, ig.Limits{})
}

// unwrapPath leaves out the path, which the caller puts before the error.
func unwrapPath(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}

// planned is the plan with the other versions in it that the pool has of what is
// missing.
func planned(want, pool []*ig.Manifest, have []ig.Reference) (*ig.Plan, error) {
	for {
		plan, err := ig.Resolve(want, pool, have)
		if err != nil {
			return nil, err
		}
		known := len(want)
		for _, m := range plan.Missing {
			other := func(x *ig.Manifest) bool { return x.Name == m.Name && x.Version == m.Other }
			i := slices.IndexFunc(pool, other)
			if i >= 0 && !slices.ContainsFunc(plan.Order, other) && !slices.ContainsFunc(want, other) && !slices.Contains(have, ig.Reference{Name: m.Name, Version: m.Other}) {
				want = append(want, pool[i])
			}
		}
		if len(want) == known {
			return plan, nil
		}
	}
}

// missing refuses a plan that lacks a package, but for those of which another
// version is at hand.
func (l *Loader) missing(plan *ig.Plan) error {
	var lacks []string
	for _, m := range plan.Missing {
		switch {
		case m.Other != "":
			l.note(m.String() + ": it is used instead")
		case l.Lenient:
			l.note(m.String() + ": going on without it")
		default:
			lacks = append(lacks, m.String())
		}
	}
	if len(lacks) == 0 {
		return nil
	}
	return issue.Errorf(issue.NotFound, "%s. Give its file too, name a folder of packages, or go on without it.", strings.Join(lacks, "; ")).
		Rule("package-dependency").Chinese("缺少依赖包。")
}

func (l *Loader) note(text string) {
	if l.Note != nil {
		l.Note(text)
	}
}

func (l *Loader) progress(what string, n int64) {
	if l.Progress != nil {
		l.Progress(what, n)
	}
}

// Entries are written in pieces of so many resources or bytes.
const (
	pieceCount = 200
	pieceBytes = 8 << 20
)

// load reads one package into the database, not yet in force.
func (l *Loader) load(ctx context.Context, m *ig.Manifest, file string) (Package, error) {
	p := Package{Name: m.Name, Version: m.Version, Title: m.Title}
	for _, d := range m.Dependencies {
		p.Dependencies = append(p.Dependencies, d.String())
	}
	f, err := os.Open(file)
	if err != nil {
		return p, unwrapPath(err)
	}
	defer f.Close()
	if p.Key, err = l.Store.BeginPackage(ctx, p); err != nil {
		return p, err
	}
	l.packages = append(l.packages, p.Key)
	in := &piece{l: l, ctx: ctx, p: &p}
	if _, err := ig.Read(f, ig.Limits{}, in.take); err != nil {
		return p, err
	}
	return p, in.write()
}

// piece collects resources until they are worth a transaction.
type piece struct {
	l       *Loader
	ctx     context.Context
	p       *Package
	entries []Entry
	size    int
}

func (x *piece) take(f ig.File) error {
	if err := x.ctx.Err(); err != nil {
		return err
	}
	if !Defines(f.Type) {
		return nil // examples that lie beside the definitions
	}
	r, err := definition.Read(f.Body, x.p.String())
	if err != nil {
		return nil //nolint:nilerr // without a URL nothing names it
	}
	body := f.Body
	if f.Type == "CodeSystem" {
		if body, err = x.l.systemOf(x.ctx, f, r); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	x.entries, x.size = append(x.entries, Entry{r, body}), x.size+len(body)
	if len(x.entries) < pieceCount && x.size < pieceBytes {
		return nil
	}
	return x.write()
}

func (x *piece) write() error {
	if len(x.entries) == 0 {
		return nil
	}
	err := x.l.Store.AddToPackage(x.ctx, x.p.Key, x.p.Resources, x.entries)
	x.p.Resources += len(x.entries)
	x.entries, x.size = nil, 0
	x.l.progress(x.p.String(), int64(x.p.Resources))
	return err
}

// Table imports a code system from a CSV table (terminology.ReadCSV).
func (l *Loader) Table(ctx context.Context, url, version string, r io.Reader) (int64, error) {
	return l.system(ctx, url, version, func(take func(*terminology.Concept) error) error { return terminology.ReadCSV(r, take) })
}

// CodeSystem imports a CodeSystem resource as JSON, read as a stream. url and
// version replace those that it names where they are not "".
func (l *Loader) CodeSystem(ctx context.Context, url, version string, r io.ReadSeeker) (int64, error) {
	h, err := readHead(r)
	if err != nil {
		return 0, err
	}
	if url == "" {
		url = h.URL
	}
	if version == "" {
		version = h.Version
	}
	if url == "" {
		return 0, issue.Errorf(issue.Required, "The CodeSystem has no url: name the system.").At("CodeSystem.url").Rule("definition-url").Chinese("CodeSystem 缺少 url。")
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	return l.system(ctx, url, version, func(take func(*terminology.Concept) error) error { return readConcepts(r, take) })
}

func (l *Loader) system(ctx context.Context, url, version string, read func(func(*terminology.Concept) error) error) (n int64, err error) {
	defer func() { err = errors.Join(err, l.undo(ctx, err)) }()
	if n, err = l.concepts(ctx, url, version, read); err != nil {
		return 0, err
	}
	return n, l.Store.Finish(ctx, nil, l.systems)
}

// concepts writes a code system, not yet in force.
func (l *Loader) concepts(ctx context.Context, url, version string, read func(func(*terminology.Concept) error) error) (int64, error) {
	key, err := l.Store.BeginSystem(ctx, url, version)
	if err != nil {
		return 0, err
	}
	l.systems = append(l.systems, key)
	sink := l.Store.ConceptSink(key)
	err = read(func(c *terminology.Concept) error {
		if sink.Total()%1000 == 0 {
			l.progress(url, sink.Total())
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		return sink.Add(ctx, c)
	})
	if err != nil {
		return 0, err
	}
	if sink.Total() == 0 {
		return 0, issue.Errorf(issue.Required, "There is no concept in it.").Rule("code-system-empty").Chinese("其中没有任何概念。")
	}
	l.progress(url, sink.Total())
	return sink.Total(), sink.Close(ctx)
}

// Remove takes a package, "name" or "name#version", out of force, and the code
// systems that came with it. What another package needs stays.
func (l *Loader) Remove(ctx context.Context, name string) error {
	held, err := l.Store.Held(ctx, []string{})
	if err != nil {
		return err
	}
	out := slices.DeleteFunc(slices.Clone(held.Packages), func(p Package) bool { return p.Name != name && p.String() != name })
	if len(out) == 0 {
		return issue.Errorf(issue.NotFound, "No package %s is loaded.", name).Rule("package-unknown").Chinese("没有加载该包。")
	}
	if len(out) > 1 {
		return issue.Errorf(issue.MultipleMatches, "%s is loaded in several versions: name one, as in %s.", name, out[0]).Rule("package-version").Chinese("已加载多个版本，请指明版本。")
	}
	for _, p := range held.Packages {
		needs := func(d string) bool { return d == out[0].String() }
		if p.Key != out[0].Key && slices.ContainsFunc(p.Dependencies, needs) {
			return issue.Errorf(issue.Conflict, "%s needs %s: remove it first.", p, out[0]).Rule("package-needed").Chinese("其他包依赖该包，请先移除。")
		}
	}
	systems, err := l.systemsOf(ctx, held, out[0])
	if err != nil {
		return err
	}
	return l.Store.Drop(ctx, []int64{out[0].Key}, systems)
}

// systemsOf are the imported code systems whose resources a package holds.
func (l *Loader) systemsOf(ctx context.Context, held *Held, p Package) (keys []int64, err error) {
	if len(held.Systems) == 0 {
		return nil, nil
	}
	resources, err := l.Store.PackageResources(ctx, p)
	for _, r := range resources {
		for _, s := range held.Systems {
			if r.Type == "CodeSystem" && r.URL == s.URL && r.Version == s.Version {
				keys = append(keys, s.Key)
			}
		}
	}
	return keys, err
}
