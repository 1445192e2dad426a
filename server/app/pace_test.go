package app_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"tenon/server/app"
)

// A body may be long and slow, but it must move.
func TestPace(t *testing.T) {
	const idle = 300 * time.Millisecond
	broken := make(chan error, 1)
	e := echo.New()
	e.Use(app.Pace(idle))
	e.POST("/", func(c echo.Context) error {
		b, err := io.ReadAll(c.Request().Body)
		if err != nil {
			broken <- err
			return c.NoContent(http.StatusBadRequest)
		}
		select { // work that takes longer than a piece may
		case <-time.After(3 * idle):
			return c.String(http.StatusOK, string(b))
		case <-c.Request().Context().Done():
			return c.NoContent(http.StatusServiceUnavailable)
		}
	})
	s := httptest.NewServer(e)
	defer s.Close()
	t.Run("a body that moves slowly", func(t *testing.T) {
		r, w := io.Pipe()
		go func() {
			for range 5 {
				time.Sleep(idle / 3)
				_, _ = io.WriteString(w, "piece ")
			}
			_ = w.Close()
		}()
		res, err := http.Post(s.URL, "text/plain", r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if b, err := io.ReadAll(res.Body); err != nil || res.StatusCode != 200 || string(b) != strings.Repeat("piece ", 5) {
			t.Errorf("answer = %d %q %v, want the body", res.StatusCode, b, err)
		}
	})
	t.Run("a body that stops", func(t *testing.T) {
		c, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nsome"); err != nil {
			t.Fatal(err)
		}
		select {
		case <-broken:
		case <-time.After(20 * idle):
			t.Error("the request is still held")
		}
	})
}
