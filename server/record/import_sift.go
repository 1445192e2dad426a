package record

import (
	"context"

	"tenon/fhir/issue"
	"tenon/server/access"
)

// importing is a line on its way to an operation.
type importing struct {
	line Line
	op   Op
}

func (i *importing) failed(why error) FailedLine {
	return FailedLine{i.line.Source, i.line.N, why}
}

func draftOf(batch []importing) *Draft {
	d := &Draft{Door: "fhir", Operation: "import", Ops: make([]Op, len(batch))}
	for i := range batch {
		d.Ops[i] = batch[i].op
	}
	return d
}

// importAll writes a batch in one commit. What is refused costs no more than what
// is written, however much of it there is: after a refusal every line is judged
// by itself, once, and those that stand alone are written together. Where they
// do not stand together, halves are tried, down to the line.
//
//	write all ─ refused ─→ judge each ─→ write the sound ─ refused ─→ halves
func (r *Recorder) importAll(ctx context.Context, who *access.Context, batch []importing, judged bool) (Imported, error) {
	var m Imported
	if len(batch) == 0 {
		return m, nil
	}
	_, err := r.submit(ctx, who, draftOf(batch), internal{names: true, quiet: true})
	switch {
	case err == nil:
		m.Written = int64(len(batch))
		return m, nil
	case !refused(err):
		return m, err
	case len(batch) == 1:
		m.Failed = []FailedLine{batch[0].failed(r.refuse(ctx, who, draftOf(batch), err))}
		return m, nil
	}
	rest := [][]importing{batch[:len(batch)/2], batch[len(batch)/2:]}
	if !judged {
		sound, done, err := r.sift(ctx, who, batch)
		if m.add(done); err != nil {
			return m, err
		}
		rest = [][]importing{sound}
	}
	for _, part := range rest {
		done, err := r.importAll(ctx, who, part, true)
		if m.add(done); err != nil {
			return m, err
		}
	}
	return m, nil
}

// sift judges every line as if it were written alone, and writes none.
func (r *Recorder) sift(ctx context.Context, who *access.Context, batch []importing) (sound []importing, m Imported, err error) {
	var rows []Audit
	for _, one := range batch {
		d := draftOf([]importing{one})
		p := &preparation{r: r, ctx: ctx, who: who, draft: d, in: internal{names: true}, at: r.now()}
		err := p.run()
		switch {
		case err == nil:
			sound = append(sound, one)
			continue
		case !refused(err):
			return nil, Imported{}, err
		}
		m.Failed = append(m.Failed, one.failed(err))
		rows = append(rows, r.refusals(who, d, issue.As(err).HTTPStatus())...)
	}
	if len(rows) == 0 {
		return sound, m, nil
	}
	return sound, m, r.o.Store.Audit(ctx, rows)
}

// refused tells what is wrong with a line from a fault of the server.
func refused(err error) bool {
	f := issue.As(err)
	return f != nil && f.HTTPStatus() < 500
}
