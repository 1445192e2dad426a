package app

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
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
	for len(files) > 0 {
		n, first := 1, files[0]
		if isKind(first, ".ndjson", ".ndjson.gz") {
			if err = a.importNDJSON(ctx, o, first, &all); err != nil {
				err = fmt.Errorf("%s: %w", first, err)
			}
		} else { // neighbours are written together
			for n < len(files) && isKind(files[n], ".json", ".json.gz") {
				n++
			}
			err = a.importLines(ctx, o, first, record.LinesOf((&wholeFiles{files: files[:n]}).next), &all)
		}
		if err != nil {
			return all, err
		}
		files = files[n:]
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

// importNDJSON imports one file of lines.
func (a *App) importNDJSON(ctx context.Context, o Import, file string, all *record.Imported) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	in, err := record.NewLines(f, 0)
	if err != nil {
		return err
	}
	return a.importLines(ctx, o, file, in, all)
}

// importLines imports what comes, several batches or Bundles at a time.
func (a *App) importLines(ctx context.Context, o Import, file string, in *record.Lines, all *record.Imported) error {
	for {
		batches, _, err := in.Window()
		if err != nil || len(batches) == 0 {
			return err
		}
		done, err := a.Recorder.ImportSeveral(ctx, operatorOf(o.Organization), file, batches, record.ImportParallel())
		all.Written, all.Same = all.Written+done.Written, all.Same+done.Same
		if err := errors.Join(err, o.failed(file, done.Failed, all)); err != nil {
			return err
		}
		if o.Progress != nil {
			o.Progress(file, *all)
		}
	}
}

func (o Import) failed(file string, failed []record.FailedLine, all *record.Imported) error {
	for _, f := range failed {
		all.Failed = append(all.Failed, record.FailedLine{N: f.N}) // how many; what, is told
		if o.Failed == nil {
			continue
		}
		if f.Source != "" {
			file = f.Source
		}
		if err := o.Failed(file, f); err != nil {
			return err
		}
	}
	return nil
}

// wholeFiles gives the lines of files that are one JSON each, in their order: a
// resource, a Bundle that is carried out, or the resources of any other Bundle.
type wholeFiles struct {
	files []string
	ready []record.Line
}

func (w *wholeFiles) next() (record.Line, error) {
	for len(w.ready) == 0 {
		if len(w.files) == 0 {
			return record.Line{}, io.EOF
		}
		file := w.files[0]
		w.files = w.files[1:]
		lines, err := readWhole(file)
		switch {
		case err == nil:
			w.ready = lines
		case issue.As(err) != nil:
			w.ready = []record.Line{{N: 1, Source: file, Fault: err}}
		default:
			return record.Line{}, fmt.Errorf("%s: %w", file, err)
		}
	}
	line := w.ready[0]
	w.ready = w.ready[1:]
	return line, nil
}

func readWhole(file string) ([]record.Line, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var in io.Reader = f
	if isKind(file, ".gz") {
		if in, err = gzip.NewReader(f); err != nil {
			return nil, err
		}
	}
	body, err := io.ReadAll(io.LimitReader(in, mostJSON+1))
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
		return []record.Line{{N: 1, Source: file, Body: body, Doc: d}}, nil
	}
	var lines []record.Line
	for e := range root.Field("entry").Items() {
		if r := e.Field("resource"); r.Exists() {
			lines = append(lines, record.Line{N: int64(len(lines)) + 1, Source: file, Body: r.Raw()})
		}
	}
	return lines, nil
}
