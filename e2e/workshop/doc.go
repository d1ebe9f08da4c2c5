// Package workshop builds other projects' programs from the Go module proxy, once, into a cache, so
// that tests need nothing but Go and git. A go.mod and a go.sum pin all that a program is built of.
// They are not a nested module on disk but embedded, and written out next to each build, so that
//
//   - the checksums that are committed verify every build,
//   - none of those requirements reach gitonly's own go.mod,
//   - builds work from anywhere: go test, go run, -trimpath, a read-only checkout.
//
// Real nested modules would give the first two, but Go embeds no files across a module boundary, and
// finding them through the caller's source path breaks the third.
package workshop
