// Package sample makes test solids that look like devices made for one
// patient. A seed gives the same triangles on every machine: coordinates lie
// on a grid of 1/1024 mm, which float32 holds exactly.
package sample
