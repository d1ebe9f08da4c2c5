package main

import (
	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/go-logr/logr"
)

// memoryShare of the container's memory is for Go. The rest is for what isn't
// Go's, and for the processes that render charts.
const memoryShare = 0.8

// limitMemory has the garbage collector heed the container's limit, unless
// GOMEMLIMIT says otherwise.
func limitMemory(log logr.Logger) {
	limit, err := memlimit.Set(memlimit.WithRatio(memoryShare))
	if err != nil {
		log.Info("the container's memory limit can't be read: set GOMEMLIMIT if it has one", "why", err.Error())
		return
	}
	log.Info("memory", "GOMEMLIMIT", limit)
}
