package app

import (
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

// slowest is how long a client may leave a body lying before its next piece.
// However long a body is, it may take its time as long as it moves.
const slowest = time.Minute

// pace breaks off requests whose body does not move, so that idle clients cannot
// hold the server.
func pace(idle time.Duration) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			if r.Body != nil && r.Body != http.NoBody {
				r.Body = &paced{r.Body, http.NewResponseController(c.Response()), idle}
			}
			return next(c)
		}
	}
}

// paced is a body with a deadline for each piece, and none once it is read: the
// work that follows may take longer.
type paced struct {
	io.ReadCloser
	conn *http.ResponseController
	idle time.Duration
}

func (p *paced) Read(b []byte) (int, error) {
	_ = p.conn.SetReadDeadline(time.Now().Add(p.idle)) // without one, where the connection has none
	n, err := p.ReadCloser.Read(b)
	_ = p.conn.SetReadDeadline(time.Time{})
	return n, err
}
