package app

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/record"
)

// Import are resources that the command line writes, for an organisation that
// owns them ("" for none).
type Import struct {
	Organization string
	// Failed takes what was refused, as it comes; it may be nil.
	Failed func(file string, f record.FailedLine) error
	// Progress is told how far it is; it may be nil.
	Progress func(file string, sofar record.Imported)
}

// mostJSON bounds one file that is not NDJSON.
const mostJSON = 1 << 30

// ImportFiles imports files, and folders with all that is in them: .ndjson and
// .json, also .gz; of other files in a folder nothing is read. What is there
// already is passed over, so that an import that broke off is repeated.
func (a *App) ImportFiles(ctx context.Context, o Import, paths []string) (record.Imported, error) {
	var all record.Imported
	files, err := importable(paths)
	if err != nil {
		return all, err
	}
	for _, file := range files {
		if err := a.importFile(ctx, o, file, &all); err != nil {
			return all, fmt.Errorf("%s: %w", file, err)
		}
	}
	return all, nil
}

// kinds of files that are imported.
var kinds = []string{".ndjson", ".ndjson.gz", ".json", ".json.gz"}

func isKind(name string, of ...string) bool {
	return slices.ContainsFunc(of, func(k string) bool { return strings.HasSuffix(strings.ToLower(name), k) })
}

// importable are the files, those of a folder in the order of their names but for
// hospitals and practitioners, which others refer to.
func importable(paths []string) (files []string, err error) {
	for _, path := range paths {
		err := filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			if isKind(name, kinds...) {
				files = append(files, name)
			} else if name == path {
				return fmt.Errorf("%s: want .ndjson or .json, or these with .gz", name)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	first := func(name string) bool {
		base := strings.ToLower(filepath.Base(name))
		return strings.HasPrefix(base, "hospitalinformation") || strings.HasPrefix(base, "practitionerinformation")
	}
	slices.SortStableFunc(files, func(a, b string) int {
		switch {
		case first(a) == first(b):
			return 0
		case first(a):
			return -1
		}
		return 1
	})
	return files, nil
}

// lines of a file, whatever its kind.
type lines interface {
	Window() (batches [][]record.Line, last int64, err error)
}

func (a *App) importFile(ctx context.Context, o Import, file string, all *record.Imported) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	var in lines
	if isKind(file, ".ndjson", ".ndjson.gz") {
		in, err = record.NewLines(f, 0)
	} else {
		in, err = wholeFile(f, file)
	}
	if err != nil {
		return err
	}
	for {
		batches, _, err := in.Window()
		if err != nil || len(batches) == 0 {
			return err
		}
		for part := range slices.Chunk(batches, runtime.GOMAXPROCS(0)) {
			if err := ctx.Err(); err != nil {
				return err
			}
			done, err := a.Recorder.ImportSeveral(ctx, operatorOf(o.Organization), file, part)
			all.Written, all.Same = all.Written+done.Written, all.Same+done.Same
			if err := errors.Join(err, o.failed(file, done.Failed, all)); err != nil {
				return err
			}
			if o.Progress != nil {
				o.Progress(file, *all)
			}
		}
	}
}

func (o Import) failed(file string, failed []record.FailedLine, all *record.Imported) error {
	for _, f := range failed {
		all.Failed = append(all.Failed, record.FailedLine{N: f.N}) // how many; what, is told
		if o.Failed == nil {
			continue
		}
		if err := o.Failed(file, f); err != nil {
			return err
		}
	}
	return nil
}

// wholeFile is a resource, a Bundle that is carried out, or the resources of any
// other Bundle.
func wholeFile(f io.Reader, name string) (lines, error) {
	if strings.HasSuffix(strings.ToLower(name), ".gz") {
		zip, err := gzip.NewReader(f)
		if err != nil {
			return nil, err
		}
		f = zip
	}
	body, err := io.ReadAll(io.LimitReader(f, mostJSON+1))
	if err != nil {
		return nil, err
	}
	if len(body) > mostJSON {
		return nil, issue.Errorf(issue.TooLong, "The file is longer than %d bytes; write it as NDJSON.", mostJSON).Rule("import-file")
	}
	d := new(tree.Doc)
	if err := d.Parse(body, tree.Limits{Bytes: mostJSON, Nodes: 64 << 20}); err != nil {
		return nil, err
	}
	root := d.Root()
	kind := root.Path("type").Str()
	if root.Path("resourceType").Str() != "Bundle" || kind == "transaction" || kind == "batch" {
		return &oneLine{body: bytes.TrimSpace(body)}, nil
	}
	var out bytes.Buffer
	for e := range root.Field("entry").Items() {
		if r := e.Field("resource"); r.Exists() {
			out.Write(bytes.ReplaceAll(bytes.ReplaceAll(r.Raw(), []byte{'\n'}, []byte{' '}), []byte{'\r'}, []byte{' '}))
			out.WriteByte('\n')
		}
	}
	return record.NewLines(&out, 0)
}

// oneLine is a file that is imported as a whole.
type oneLine struct{ body []byte }

func (l *oneLine) Window() (batches [][]record.Line, last int64, err error) {
	if l.body == nil {
		return nil, 1, nil
	}
	line := record.Line{N: 1, Body: l.body}
	l.body = nil
	return [][]record.Line{{line}}, 1, nil
}
