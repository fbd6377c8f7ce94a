//go:build !cli

package main

import (
	"time"

	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/primitives"
)

const (
	clusterName = "active"

	// Names of the two stores inside the configuration.
	mainStore       = "main"
	visibilityStore = "visibility"

	archivalOff = "disabled"

	maxJoinDuration = 10 * time.Second

	// Versions of namespaces differ by this much between clusters; there is one cluster here. The value is the one of
	// Temporal's own development configuration.
	failoverIncrement = 10
)

// hosts are the ports of Temporal's services, all on loopback.
type hosts map[primitives.ServiceName]int

// serviceHosts returns port for the frontend, and picks ports for the services that only Temporal itself calls.
func serviceHosts(port int) (hosts, error) {
	inner := []primitives.ServiceName{
		primitives.HistoryService, primitives.MatchingService, primitives.WorkerService,
	}

	picked, err := pickPorts(len(inner))
	if err != nil {
		return nil, err
	}

	chosen := hosts{primitives.FrontendService: port}
	for i, service := range inner {
		chosen[service] = picked[i]
	}

	return chosen, nil
}

// staticHosts replaces the gossip protocol by which the members of a cluster find each other.
func staticHosts(chosen hosts) map[primitives.ServiceName]static.Hosts {
	all := map[primitives.ServiceName]static.Hosts{}
	for service, port := range chosen {
		all[service] = static.SingleLocalHost(loopbackAddress(port))
	}

	return all
}

func serverConfig(store store, chosen hosts) *config.Config {
	services := map[string]config.Service{}
	for service, port := range chosen {
		services[string(service)] = config.Service{RPC: config.RPC{GRPCPort: port, BindOnIP: loopback}}
	}

	frontend := loopbackAddress(chosen[primitives.FrontendService])

	return &config.Config{
		Global: config.Global{
			Membership: config.Membership{MaxJoinDuration: maxJoinDuration, BroadcastAddress: loopback},
		},
		Persistence: config.Persistence{
			DefaultStore:     mainStore,
			VisibilityStore:  visibilityStore,
			NumHistoryShards: int32(store.shards), //nolint:gosec // checked with the flags
			DataStores: map[string]config.DataStore{
				mainStore:       {SQL: store.main},
				visibilityStore: {SQL: store.visibility},
			},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: failoverIncrement,
			MasterClusterName:        clusterName,
			CurrentClusterName:       clusterName,
			ClusterInformation: map[string]cluster.ClusterInformation{
				clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: frontend},
			},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Services:            services,
		PublicClient:        config.PublicClient{HostPort: frontend},
		Archival: config.Archival{
			History:    config.HistoryArchival{State: archivalOff},
			Visibility: config.VisibilityArchival{State: archivalOff},
		},
		NamespaceDefaults: config.NamespaceDefaults{Archival: config.ArchivalNamespaceDefaults{
			History:    config.HistoryArchivalNamespaceDefaults{State: archivalOff},
			Visibility: config.VisibilityArchivalNamespaceDefaults{State: archivalOff},
		}},
	}
}

func dynamicConfig() dynamicconfig.StaticClient {
	values := dynamicconfig.StaticClient{}
	for name, value := range dynamicSettings() {
		values[dynamicconfig.MakeKey(name)] = value
	}

	return values
}
