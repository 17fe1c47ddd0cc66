// SPDX-License-Identifier: MIT
// Copyright (c) The Rackwright authors
/*
 * Token dispatch for a mixture of experts: a queue an expert, one part of a token in and one out a
 * clock.
 *
 * A token names up to K experts; each part of it goes into the queue of its expert. Parts leave from
 * queues whose expert has credits, one queue after the other (round robin from the one after the
 * last that was served); a part costs one credit. Credits come in the same stream. A token whose
 * queue is full waits, and with it all behind it.
 *
 * Left out: the activations themselves (the host's DMA follows the parts), joining the answers.
 */

`resetall
`timescale 1ns / 1ps
`default_nettype none

module token_dispatch #
(
    parameter EXPERTS = 8,
    parameter K = 2,
    parameter DEPTH = 16,
    parameter PER_RANK = 2,
    parameter TOKEN_WIDTH = 32
)
(
    input  wire                       clk,
    input  wire                       rst,

    // {op, parts[2:0], expert K-1..0 [7:0] each, token}; op 0: token; op 1: the number of credits in
    // the token's low 8 bits for expert 0 of the list
    input  wire [TOKEN_WIDTH+8*K+3:0] s_axis_tdata,
    input  wire                       s_axis_tvalid,
    output wire                       s_axis_tready,
    input  wire                       s_axis_tlast,

    // {parts left in that queue[7:0], part[2:0], expert[7:0], rank[7:0], token}
    output wire [TOKEN_WIDTH+26:0]    m_axis_tdata,
    output wire                       m_axis_tvalid,
    input  wire                       m_axis_tready,
    output wire                       m_axis_tlast
);

localparam ITEM = TOKEN_WIDTH + 3;
localparam PLACE_WIDTH = $clog2(DEPTH);
localparam EXPERT_WIDTH = EXPERTS > 1 ? $clog2(EXPERTS) : 1;
localparam MOST = 255;                       // credits of an expert

initial begin
    if (EXPERTS < 1 || EXPERTS > 256 || K < 1 || K > 7) begin
        $error("EXPERTS must be 1 to 256, K 1 to 7 (instance %m)");
        $finish;
    end
    if (DEPTH < 2 || DEPTH > 128 || (DEPTH & (DEPTH - 1)) != 0) begin
        $error("DEPTH must be a power of two, 2 to 128 (instance %m)");
        $finish;
    end
    if (PER_RANK < 1 || TOKEN_WIDTH < 8) begin
        $error("PER_RANK must be at least 1, TOKEN_WIDTH at least 8 (instance %m)");
        $finish;
    end
end

reg [ITEM-1:0] queue_ram [0:EXPERTS*DEPTH-1];
reg [PLACE_WIDTH-1:0] head_reg [0:EXPERTS-1];
reg [7:0] length_reg [0:EXPERTS-1];
reg [7:0] credit_reg [0:EXPERTS-1];
reg [EXPERTS-1:0] waiting_reg = {EXPERTS{1'b0}};     // length > 0
reg [EXPERTS-1:0] granted_reg = {EXPERTS{1'b0}};     // credit > 0
reg [7:0] served_reg = EXPERTS - 1;

integer i;
initial for (i = 0; i < EXPERTS; i = i + 1) begin
    head_reg[i] = {PLACE_WIDTH{1'b0}};
    length_reg[i] = 8'd0;
    credit_reg[i] = 8'd0;
end

// in: one part of the word under way a clock
reg [2:0] part_reg = 3'd0;
wire op = s_axis_tdata[TOKEN_WIDTH+8*K+3];
wire [2:0] parts = s_axis_tdata[TOKEN_WIDTH+8*K +: 3];
wire [TOKEN_WIDTH-1:0] token = s_axis_tdata[TOKEN_WIDTH-1:0];
wire [7:0] into = s_axis_tdata[TOKEN_WIDTH + 8*(part_reg < K ? part_reg : 0) +: 8];
wire into_known = into < EXPERTS;
wire [EXPERT_WIDTH-1:0] into_row = into_known ? into[EXPERT_WIDTH-1:0] : {EXPERT_WIDTH{1'b0}};
wire room = !into_known || length_reg[into_row] < DEPTH;
wire any = !op && parts != 3'd0;
wire push = s_axis_tvalid && any && room;
wire word_done = !any || (room && (part_reg + 3'd1 >= parts || part_reg + 3'd1 >= K));
assign s_axis_tready = word_done;
wire credit = s_axis_tvalid && op && into_known;
wire [8:0] credits = {1'b0, credit_reg[into_row]} + {1'b0, token[7:0]};

// out: the first expert after the last one served that has parts and credit
wire [EXPERTS-1:0] able = waiting_reg & granted_reg;
wire [2*EXPERTS-1:0] twice = {able, able} >> (served_reg + 8'd1);
reg [8:0] steps;
always @* begin
    steps = 9'd0;
    for (i = EXPERTS - 1; i >= 0; i = i - 1) begin
        if (twice[i]) steps = i[8:0];
    end
end
wire [8:0] sum = {1'b0, served_reg} + 9'd1 + steps;
wire [8:0] chosen = sum >= EXPERTS ? sum - EXPERTS : sum;
wire [EXPERT_WIDTH-1:0] row = chosen[EXPERT_WIDTH-1:0];
wire out_ready;
wire pop = |able && out_ready;
wire [31:0] first = {24'd0, chosen[7:0]}*DEPTH + {{32-PLACE_WIDTH{1'b0}}, head_reg[row]};
wire [ITEM-1:0] item = queue_ram[first];
wire [7:0] left = length_reg[row] - 8'd1;
wire [7:0] rank = chosen[7:0] / PER_RANK;

wire fill = push && into_known;
wire same = fill && pop && into_row == row;
wire [PLACE_WIDTH-1:0] tail = head_reg[into_row] + length_reg[into_row][PLACE_WIDTH-1:0];

always @(posedge clk) begin
    if (push) begin
        part_reg <= word_done ? 3'd0 : part_reg + 3'd1;
    end
    if (fill) begin
        queue_ram[{24'd0, into}*DEPTH + {{32-PLACE_WIDTH{1'b0}}, tail}] <= {part_reg, token};
        if (!same) begin
            length_reg[into_row] <= length_reg[into_row] + 8'd1;
            waiting_reg[into_row] <= 1'b1;
        end
    end
    if (pop) begin
        served_reg <= chosen[7:0];
        head_reg[row] <= head_reg[row] + 1'b1;
        if (!same) begin
            length_reg[row] <= left;
            waiting_reg[row] <= left != 8'd0;
        end
        credit_reg[row] <= credit_reg[row] - 8'd1;
        granted_reg[row] <= credit_reg[row] != 8'd1;
    end
    if (credit) begin
        // with the one that is spent at the same time, if it is
        credit_reg[into_row] <= credits - {8'd0, pop && row == into_row} > MOST ? MOST
            : credits[7:0] - {7'd0, pop && row == into_row};
        granted_reg[into_row] <= credits != {8'd0, pop && row == into_row};
    end

    if (rst) begin
        part_reg <= 3'd0;
        served_reg <= EXPERTS - 1;
        waiting_reg <= {EXPERTS{1'b0}};
        granted_reg <= {EXPERTS{1'b0}};
        for (i = 0; i < EXPERTS; i = i + 1) begin
            head_reg[i] <= {PLACE_WIDTH{1'b0}};
            length_reg[i] <= 8'd0;
            credit_reg[i] <= 8'd0;
        end
    end
end

axis_skid #
(
    .DATA_WIDTH(TOKEN_WIDTH + 27)
)
out
(
    .clk(clk),
    .rst(rst),
    .s_axis_tdata({left, item[ITEM-1:TOKEN_WIDTH], chosen[7:0], rank, item[TOKEN_WIDTH-1:0]}),
    .s_axis_tvalid(|able),
    .s_axis_tready(out_ready),
    .s_axis_tlast(1'b1),
    .m_axis_tdata(m_axis_tdata),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready),
    .m_axis_tlast(m_axis_tlast)
);

endmodule

`resetall
