package record

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"

	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/dispatch"
)

// ImportRequest is what an import is asked for: its inputs, each at a URL or, if
// that is empty, in the input file of the job.
// https://github.com/smart-on-fhir/bulk-import/blob/master/import-manifest.md
type ImportRequest struct {
	URL    string        `json:"url"` // as the client sent it
	Inputs []ImportInput `json:"inputs"`
}

// ImportInput is one file of resources.
type ImportInput struct {
	Type string `json:"type,omitempty"` // of its resources, or ""
	URL  string `json:"url,omitempty"`
}

// ImportResult is the result of a job.
type ImportResult struct {
	Request string          `json:"request"`
	Outputs []ImportedInput `json:"outputs"`
	Cut     bool            `json:"cut,omitempty"` // more failed than outcomes were kept
}

// ImportedInput counts what became of one input.
type ImportedInput struct {
	ImportInput
	Written int64 `json:"written"`
	Same    int64 `json:"same"`
	Failed  int64 `json:"failed"`
}

// Importer runs imports: the dispatch.Runner of their jobs.
type Importer struct {
	Recorder *Recorder
	Files    Blobs // of the jobs
	// Acting tells who acts by an authority now.
	Acting func(ctx context.Context, by access.Authority) (*access.Context, error)
	// Fetch opens what lies at a URL; nil where nothing may be fetched.
	Fetch func(ctx context.Context, url string) (io.ReadCloser, error)
	// Parallel is how many batches are written at the same time.
	Parallel int // ImportParallel
}

// ImportParallel is how many batches are well written at the same time: while
// some wait for the disk, others are judged.
func ImportParallel() int { return 2 * runtime.GOMAXPROCS(0) }

// Kind implements dispatch.Runner.
func (x *Importer) Kind() string { return ImportKind }

// importCursor is from where an import goes on.
type importCursor struct {
	Line   int64           `json:"line"` // of the last input in Done
	Done   []ImportedInput `json:"done"` // the last one may be under way
	Failed int64           `json:"failed"`
	Ended  bool            `json:"ended"` // the last one is not under way
}

// keptOutcomes bounds how many outcomes an import keeps.
const keptOutcomes = 10_000

// Run implements dispatch.Runner.
func (x *Importer) Run(ctx context.Context, h *dispatch.Held) ([]byte, error) {
	var q ImportRequest
	if err := json.Unmarshal(h.Request, &q); err != nil {
		return nil, &dispatch.Permanent{Err: err}
	}
	at := importCursor{Ended: true}
	if err := h.Load(&at); err != nil {
		return nil, &dispatch.Permanent{Err: err}
	}
	for {
		if at.Ended {
			if len(at.Done) == len(q.Inputs) {
				return json.Marshal(ImportResult{q.URL, at.Done, at.Failed > keptOutcomes})
			}
			at.Done, at.Line, at.Ended = append(at.Done, ImportedInput{ImportInput: q.Inputs[len(at.Done)]}), 0, false
		}
		if err := x.input(ctx, h, &at); err != nil {
			return nil, err
		}
	}
}

// input writes the rest of the input that is under way.
func (x *Importer) input(ctx context.Context, h *dispatch.Held, at *importCursor) error {
	now := &at.Done[len(at.Done)-1]
	content, source, err := x.open(ctx, h, now.URL)
	if err != nil {
		return err
	}
	defer content.Close()
	lines, err := NewLines(content, 0)
	if err != nil {
		return err
	}
	if err := lines.Skip(at.Line); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	for {
		batches, last, err := lines.Window()
		if err != nil {
			return err
		}
		if len(batches) == 0 {
			at.Ended = true
			return h.Save(ctx, at, dispatch.Step{})
		}
		if err := x.window(ctx, h, at, source, batches, last); err != nil {
			return err
		}
	}
}

// window writes some batches and saves how far it is.
func (x *Importer) window(ctx context.Context, h *dispatch.Held, at *importCursor, source string, batches [][]Line, last int64) error {
	who, err := x.Acting(ctx, AuthorityOf(h.Job))
	if err != nil {
		return err
	}
	as := *who
	as.RequestID = "job-" + h.ID
	now := &at.Done[len(at.Done)-1]
	wrongType(now.Type, batches)
	errorFile := newExportFile(ctx, x.Files, "error", "OperationOutcome")
	defer errorFile.drop()
	done, err := x.Recorder.ImportSeveral(ctx, &as, source, batches, orElse(x.Parallel, ImportParallel()))
	if err != nil {
		return err
	}
	now.Written, now.Same, now.Failed = now.Written+done.Written, now.Same+done.Same, now.Failed+int64(len(done.Failed))
	for _, f := range done.Failed {
		if at.Failed++; at.Failed <= keptOutcomes {
			if err := errorFile.line(outcomeOf(inputName(now, len(at.Done)), f)); err != nil {
				return err
			}
		}
	}
	at.Line = last
	step := dispatch.Step{Progress: fmt.Sprintf("input %d: %d written, %d there already, %d failed", len(at.Done), now.Written, now.Same, now.Failed)}
	if errorFile.count > 0 {
		f, err := errorFile.close(ctx)
		if err != nil {
			return err
		}
		step.Files = []dispatch.File{f}
	}
	return h.Save(ctx, at, step)
}

func inputName(in *ImportedInput, n int) string {
	if in.Type != "" {
		return fmt.Sprintf("input %d (%s)", n, in.Type)
	}
	return fmt.Sprintf("input %d", n)
}

// wrongType marks lines that hold something else than their input says.
func wrongType(typ string, batches [][]Line) {
	if typ == "" {
		return
	}
	for _, lines := range batches {
		for i := range lines {
			if lines[i].Fault != nil {
				continue
			}
			root, err := lines[i].parse()
			if got := root.Path("resourceType").Str(); err == nil && got != typ {
				lines[i].Fault = issue.Errorf(issue.Invalid, "The input holds %s, the line is a %q.", typ, clipped(got)).Rule("import-type").Chinese("资源类型与输入声明不符。")
			}
		}
	}
}

// open opens an input, and names it for ids that are made of it.
func (x *Importer) open(ctx context.Context, h *dispatch.Held, url string) (io.ReadCloser, string, error) {
	if url == "" {
		for _, f := range h.Files {
			if f.Kind == "input" {
				r, err := x.Files.Open(ctx, f.Digest)
				return r, "job/" + h.ID, err
			}
		}
		return nil, "", &dispatch.Permanent{Err: errors.New("the job has no input")}
	}
	if x.Fetch == nil {
		return nil, "", issue.Errorf(issue.NotSupported, "This server fetches nothing; send the resources as the body.").Rule("import-fetch").WithStatus(400)
	}
	r, err := x.Fetch(ctx, url)
	return r, url, err
}
