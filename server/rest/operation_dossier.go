package rest

import "net/http"

// dossier is Task/{root}/$dossier: the provable export of a case, a document
// Bundle, streamed. What fails before the first byte is an OperationOutcome;
// later the connection is cut, so that a part is never taken for the whole.
func (d *Door) dossier(c *call) error {
	if c.Request().Method == http.MethodHead {
		if _, err := d.o.Record.Read(c.ctx(), c.who, "Task", c.Param("id")); err != nil {
			return err
		}
		c.set("Content-Type", contentType)
		c.Response().WriteHeader(http.StatusOK)
		return nil
	}
	w := &lateWriter{c: c, name: "dossier-" + c.Param("id") + ".json"}
	if err := d.o.Record.Dossier(c.ctx(), c.who, c.Param("id"), w); err != nil {
		return err
	}
	c.Response().Flush()
	return nil
}

// lateWriter sends the headers with the first byte.
type lateWriter struct {
	c    *call
	name string
}

func (w *lateWriter) Write(p []byte) (int, error) {
	if !w.c.Response().Committed {
		w.c.set("Content-Type", contentType)
		w.c.set("Content-Disposition", `attachment; filename="`+w.name+`"`)
		w.c.Response().WriteHeader(http.StatusOK)
	}
	return w.c.Response().Write(p)
}
