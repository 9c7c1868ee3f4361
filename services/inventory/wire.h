/* wire.h -- the proto's names, short, and the proof that our numbers are the wire's. */
#pragma once

#include <assert.h>

#include "inventory.h"
#include "penstock/bus/v1/bus.pb-c.h"
#include "penstock/fulfillment/v1/fulfillment.pb-c.h"
#include "penstock/inventory/v1/inventory.pb-c.h"
#include "penstock/orders/v1/orders.pb-c.h"
#include "penstock/returns/v1/returns.pb-c.h"

typedef Penstock__Common__V1__Money Money;
typedef Penstock__Common__V1__Address Address;
typedef Penstock__Inventory__V1__Location Location;
typedef Penstock__Inventory__V1__Item Item;
typedef Penstock__Inventory__V1__Level Level;
typedef Penstock__Inventory__V1__Movement Movement;
typedef Penstock__Inventory__V1__Adjustment Adjustment;
typedef Penstock__Inventory__V1__Reservation Reservation;
typedef Penstock__Inventory__V1__ReservationLine ReservationLine;
typedef Penstock__Inventory__V1__ReserveLine ReserveLine;
typedef Penstock__Inventory__V1__HoldLine HoldLine;
typedef Penstock__Inventory__V1__LineAllocation LineAllocation;
typedef Penstock__Inventory__V1__SourcingDecision SourcingDecision;
typedef Penstock__Inventory__V1__SourcingCandidate SourcingCandidate;
typedef Penstock__Inventory__V1__SourcingLine SourcingLine;
typedef Penstock__Inventory__V1__StockAllocated StockAllocated;
typedef Penstock__Inventory__V1__StockReleased StockReleased;
typedef Penstock__Inventory__V1__AllocatedLine AllocatedLine;
typedef Penstock__Inventory__V1__ReleasedLine ReleasedLine;
typedef Penstock__Inventory__V1__StockQuote StockQuote;
typedef Penstock__Orders__V1__PlacedLine PlacedLine;

/* Both messages of an rpc: ReserveRequest, ReserveResponse. */
#define RPC(Name)                                                                                  \
    typedef Penstock__Inventory__V1__##Name##Request Name##Request;                                \
    typedef Penstock__Inventory__V1__##Name##Response Name##Response;
RPC(CreateLocation)
RPC(UpdateLocation)
RPC(ListLocations)
RPC(CreateItem)
RPC(UpdateItem)
RPC(GetItem)
RPC(ListItems)
RPC(ListLevels)
RPC(AdjustStock)
RPC(ListMovements)
RPC(Reserve)
RPC(CreateReservation)
RPC(GetReservation)
RPC(ReleaseReservation)
RPC(GetSourcing)
RPC(QuoteStock)
RPC(ExtendReservation)
#undef RPC

#define X(name, number)                                                                            \
    static_assert(number == (int)PENSTOCK__INVENTORY__V1__BUCKET__BUCKET_##name, #name);
BUCKETS(X)
#undef X
#define X(name, number, can_sell)                                                                  \
    static_assert(number == (int)PENSTOCK__INVENTORY__V1__LOCATION_TYPE__LOCATION_TYPE_##name,     \
                  #name);
PLACE_TYPES(X)
#undef X
#define X(name, number)                                                                            \
    static_assert(number ==                                                                        \
                      (int)PENSTOCK__INVENTORY__V1__RESERVATION_STATUS__RESERVATION_STATUS_##name, \
                  #name);
RESERVATION_STATES(X)
#undef X

#define WIRE_ON PENSTOCK__INVENTORY__V1__SWITCH__SWITCH_ON
#define WIRE_OFF PENSTOCK__INVENTORY__V1__SWITCH__SWITCH_OFF
#define WIRE_UNCHANGED PENSTOCK__INVENTORY__V1__SWITCH__SWITCH_UNSPECIFIED
#define WIRE_REQUIRE PENSTOCK__INVENTORY__V1__STOCK_POLICY__STOCK_POLICY_REQUIRE
#define WIRE_ACCEPT PENSTOCK__INVENTORY__V1__STOCK_POLICY__STOCK_POLICY_ACCEPT
