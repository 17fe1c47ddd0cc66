// SPDX-License-Identifier: MIT
// Copyright (c) The Rackwright authors
/*
 * Vote counter of AVID-M's dispersal (DispersedLedger, NSDI 2022): one vote a clock.
 *
 * A slot counts the votes for one root of one instance: a bitmap of the senders of GotChunk, one of
 * the senders of Ready. N-F GotChunk, or F+1 Ready, call for a Ready of one's own; 2F+1 Ready make
 * the dispersal Complete. Each is said once. A sender's second vote changes nothing.
 *
 * Two stages: read the slot; count, decide, write back. A vote for the slot that is being written
 * takes the new value past the memory. Which slot a root has is the host's table.
 *
 * Left out: checking chunks and proofs (`sha256_merkle`), votes for two roots by one sender of one
 * instance (the slots do not know of each other).
 */

`resetall
`timescale 1ns / 1ps
`default_nettype none

module vote_counter #
(
    parameter N = 16,
    parameter F = 5,
    parameter SLOTS = 32
)
(
    input  wire        clk,
    input  wire        rst,

    // {tag[31:0], slot[15:0], sender[7:0], op[7:0]}; op: 1 GotChunk, 2 Ready, 3 clear, 4 read
    input  wire [63:0] s_axis_tdata,
    input  wire        s_axis_tvalid,
    output wire        s_axis_tready,
    input  wire        s_axis_tlast,

    // {tag[31:0], ready votes[7:0], GotChunk votes[7:0], flags[7:0], op[7:0]}
    // flags: 0 new, 1 send Ready now, 2 Complete now, 3 Ready was sent, 4 is Complete, 7 refused
    output wire [63:0] m_axis_tdata,
    output wire        m_axis_tvalid,
    input  wire        m_axis_tready,
    output wire        m_axis_tlast
);

localparam [7:0] OP_GOT = 8'd1, OP_READY = 8'd2, OP_CLEAR = 8'd3, OP_READ = 8'd4;

localparam SLOT_WIDTH = SLOTS > 1 ? $clog2(SLOTS) : 1;
localparam ROW_WIDTH = 2*N + 2;      // {complete, sent, ready bitmap, got bitmap}

initial begin
    if (F < 0 || N < 3*F + 1 || N > 255) begin
        $error("3F+1 <= N <= 255 must hold (instance %m)");
        $finish;
    end
    if (SLOTS < 2 || SLOTS > 65536 || (SLOTS & (SLOTS - 1)) != 0) begin
        $error("SLOTS must be a power of two, 2 to 65536 (instance %m)");
        $finish;
    end
end

function [7:0] count;
    input [N-1:0] bits;
    integer i;
    begin
        count = 8'd0;
        for (i = 0; i < N; i = i + 1) count = count + {7'd0, bits[i]};
    end
endfunction

reg [ROW_WIDTH-1:0] table_ram [0:SLOTS-1];
reg [SLOTS-1:0] live_reg = {SLOTS{1'b0}};    // slots that hold something; the memory has no reset

// stage 1: the word that was taken and the row as the memory had it
reg s1_valid_reg = 1'b0;
reg s1_last_reg = 1'b0;
reg [63:0] s1_word_reg = 64'd0;
reg s1_live_reg = 1'b0;
reg [ROW_WIDTH-1:0] ram_row_reg = {ROW_WIDTH{1'b0}};
// the row that was written at the edge at which stage 1 read, if it was the same slot
reg past_reg = 1'b0;
reg [ROW_WIDTH-1:0] past_row_reg = {ROW_WIDTH{1'b0}};

wire step;
wire out_ready;
wire take = s_axis_tvalid && s_axis_tready;
wire [SLOT_WIDTH-1:0] s0_slot = s_axis_tdata[16 +: SLOT_WIDTH];

wire [7:0] s1_op = s1_word_reg[7:0];
wire [7:0] s1_sender = s1_word_reg[15:8];
wire [SLOT_WIDTH-1:0] s1_slot = s1_word_reg[16 +: SLOT_WIDTH];
wire refused = (s1_op == 8'd0) || (s1_op > OP_READ) || ({1'b0, s1_word_reg[31:16]} >= SLOTS)
    || ((s1_op == OP_GOT || s1_op == OP_READY) && {1'b0, s1_sender} >= N);

wire [ROW_WIDTH-1:0] held_row = past_reg ? past_row_reg
    : s1_live_reg ? ram_row_reg : {ROW_WIDTH{1'b0}};
wire [N-1:0] voter = {{N-1{1'b0}}, 1'b1} << s1_sender;
wire got_vote = !refused && s1_op == OP_GOT;
wire ready_vote = !refused && s1_op == OP_READY;
wire [N-1:0] got = held_row[N-1:0] | (got_vote ? voter : {N{1'b0}});
wire [N-1:0] ready = held_row[2*N-1:N] | (ready_vote ? voter : {N{1'b0}});
wire [7:0] got_count = count(got);
wire [7:0] ready_count = count(ready);
wire sent = held_row[2*N] || got_count >= N - F || ready_count >= F + 1;
wire complete = held_row[2*N+1] || ready_count >= 2*F + 1;
wire voted = got_vote || ready_vote;
wire fresh = {ready, got} != held_row[2*N-1:0];
wire clear = !refused && s1_op == OP_CLEAR;
wire [ROW_WIDTH-1:0] next_row = clear ? {ROW_WIDTH{1'b0}} : {complete, sent, ready, got};

wire [7:0] flags = {refused, 2'd0, next_row[2*N+1], next_row[2*N],
    !clear && complete && !held_row[2*N+1], !clear && sent && !held_row[2*N], fresh};
wire [63:0] answer = {s1_word_reg[63:32], clear ? 8'd0 : ready_count, clear ? 8'd0 : got_count,
    flags, s1_op};
wire [63:0] refusal = {s1_word_reg[63:32], 16'd0, 8'h80, s1_op};

assign step = !s1_valid_reg || out_ready;
assign s_axis_tready = step;


always @(posedge clk) begin
    if (step) begin
        ram_row_reg <= table_ram[s0_slot];
        s1_live_reg <= live_reg[s0_slot];
        s1_word_reg <= s_axis_tdata;
        s1_last_reg <= s_axis_tlast;
        past_reg <= s1_valid_reg && !refused && s0_slot == s1_slot;
        past_row_reg <= next_row;
        s1_valid_reg <= take;
        if (s1_valid_reg && (voted || clear)) begin
            table_ram[s1_slot] <= next_row;
            live_reg[s1_slot] <= voted;
        end
    end

    if (rst) begin
        s1_valid_reg <= 1'b0;
        live_reg <= {SLOTS{1'b0}};
    end
end

axis_skid #
(
    .DATA_WIDTH(64)
)
out
(
    .clk(clk),
    .rst(rst),
    .s_axis_tdata(refused ? refusal : answer),
    .s_axis_tvalid(s1_valid_reg),
    .s_axis_tready(out_ready),
    .s_axis_tlast(s1_last_reg),
    .m_axis_tdata(m_axis_tdata),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready),
    .m_axis_tlast(m_axis_tlast)
);

endmodule

`resetall
