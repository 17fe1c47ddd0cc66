// SPDX-License-Identifier: MIT
// Copyright (c) The Rackwright authors
/*
 * Round-robin arbiter: of those that ask, the next one after the one served last.
 *
 * grant is one-hot, or zero when nobody asks, and follows request within the clock. With accept at
 * the edge the turn goes on to the one above the granted one; without it nothing changes, so that a
 * grant that is not accepted stays as long as nobody closer to the turn asks. After a reset the
 * turn is that of requester 0.
 *
 * Left out: weights, priorities, a lock over several clocks (hold accept back instead).
 */

`resetall
`timescale 1ns / 1ps
`default_nettype none

module arbiter #
(
    parameter N = 4
)
(
    input  wire         clk,
    input  wire         rst,

    input  wire [N-1:0] request,
    input  wire         accept,
    output wire [N-1:0] grant
);

initial begin
    if (N < 1 || N > 256) begin
        $error("N must be 1 to 256 (instance %m)");
        $finish;
    end
end

// those above the one served last; all of them when it was the topmost one
reg [N-1:0] above_reg = {N{1'b1}};

wire [N-1:0] first = request & above_reg;
wire [N-1:0] among = |first ? first : request;

assign grant = among & (~among + 1'b1);

always @(posedge clk) begin
    if (accept && |request) begin
        above_reg <= ~(grant | (grant - 1'b1));
    end

    if (rst) begin
        above_reg <= {N{1'b1}};
    end
end

endmodule

`resetall
