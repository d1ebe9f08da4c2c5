package gitindex_test

import (
	"fmt"
	"slices"
	"testing"

	"gitonly.dev/gitonly/e2e/bench/workload"
	"gitonly.dev/gitonly/pkg/gitindex"
)

func BenchmarkPack(b *testing.B) {
	objects := workload.Named(nil, 100, 2048).Locations[0].Objects
	b.ReportAllocs()
	for b.Loop() {
		gitindex.Pack(slices.Clone(objects))
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(objects)), "µs/object")
}

func BenchmarkManifest(b *testing.B) {
	for _, size := range []int{1024, 2048, 8192, 32768} {
		b.Run(fmt.Sprintf("%dKB", size/1024), func(b *testing.B) {
			objects := workload.Named(nil, 2, size).Locations[0].Objects
			gitindex.Pack(objects)
			b.ReportAllocs()
			for b.Loop() {
				objects[1].Manifest.JSON()
			}
		})
	}
}
