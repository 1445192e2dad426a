package app_test

import (
	"strings"
	"testing"
	"time"

	"tenon/server/app"
)

func TestConfigRefusesByName(t *testing.T) {
	good := app.Config{Listen: "127.0.0.1:8080", Data: "d", Database: "sqlite"}
	tests := []struct {
		name   string
		change func(*app.Config)
		want   string // "" = accepted
	}{
		{"the defaults", func(*app.Config) {}, ""},
		{"dev on loopback", func(c *app.Config) { c.Dev = true }, ""},
		{"dev on IPv6 loopback", func(c *app.Config) { c.Dev, c.Listen = true, "[::1]:80" }, ""},
		{"dev on every address", func(c *app.Config) { c.Dev, c.Listen = true, ":8080" }, "dev:"},
		{"dev on a public address", func(c *app.Config) { c.Dev, c.Listen = true, "0.0.0.0:8080" }, "dev:"},
		{"dev on a name that looks local", func(c *app.Config) { c.Dev, c.Listen = true, "localhost.example:8080" }, "dev:"},
		{"no port", func(c *app.Config) { c.Listen = "127.0.0.1" }, "listen:"},
		{"no data folder", func(c *app.Config) { c.Data = "" }, "data:"},
		{"another database", func(c *app.Config) { c.Database = "mysql://root:geheim@db/x" }, "database:"},
		{"postgres", func(c *app.Config) { c.Database = "postgres://u:p@localhost/t" }, ""},
		{"a base URL without host", func(c *app.Config) { c.BaseURL = "/fhir" }, "base-url:"},
		{"a sweep every second", func(c *app.Config) { c.Sweeping.Every = time.Second }, "sweep-every:"},
		{"a short MES secret", func(c *app.Config) { c.MES.URL, c.MES.Secret = "http://127.0.0.1:1/x", "short" }, "mes-secret:"},
		{"a short notice secret", func(c *app.Config) { c.Notices.URL, c.Notices.Secret = "http://127.0.0.1:1/x", "short" }, "notice-secret:"},
		{"notices go nowhere", func(c *app.Config) { c.Notices.URL = "nowhere" }, "notice-url:"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := good
			tt.change(&c)
			err := c.Validate()
			if (err == nil) != (tt.want == "") || err != nil && !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("Validate() = %v, want %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "geheim") {
				t.Errorf("Validate() tells a password: %v", err)
			}
		})
	}
}
