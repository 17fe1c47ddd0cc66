// SPDX-License-Identifier: MIT
// Copyright (c) The Rackwright authors
/*
 * The k best of a frame of scored items: one item a clock, then one result a clock.
 *
 * Scores are fp32 or bf16 (SCORE_WIDTH 32 or 16, 8 bits of exponent). Higher is better, NaN comes
 * last, -0 equals +0, and of equal scores the earlier item comes first. The best items so far stand
 * in a sorted row of registers; a new item is compared with all of them at once and pushes the
 * worse ones down. tlast starts the drain, during which nothing is taken.
 *
 * Left out: frames of more than 2^16 results, k of 0 (it counts as 1).
 */

`resetall
`timescale 1ns / 1ps
`default_nettype none

module topk_stream #
(
    parameter K = 16,
    parameter SCORE_WIDTH = 32,
    parameter ID_WIDTH = 32
)
(
    input  wire                            clk,
    input  wire                            rst,

    // {set k?, keep, id, score}; a word that is not kept only ends a frame; set k: score[15:0]
    input  wire [ID_WIDTH+SCORE_WIDTH+1:0] s_axis_tdata,
    input  wire                            s_axis_tvalid,
    output wire                            s_axis_tready,
    input  wire                            s_axis_tlast,

    // {nothing, id, score}, best first
    output wire [ID_WIDTH+SCORE_WIDTH:0]   m_axis_tdata,
    output wire                            m_axis_tvalid,
    input  wire                            m_axis_tready,
    output wire                            m_axis_tlast
);

localparam ITEM_WIDTH = ID_WIDTH + SCORE_WIDTH;

initial begin
    if (K < 1 || K > 256) begin
        $error("K must be 1 to 256 (instance %m)");
        $finish;
    end
    if ((SCORE_WIDTH != 16 && SCORE_WIDTH != 32) || ID_WIDTH < 1) begin
        $error("SCORE_WIDTH must be 16 or 32, ID_WIDTH at least 1 (instance %m)");
        $finish;
    end
end

// a number that orders as the scores do; 0 for NaN
function [SCORE_WIDTH-1:0] rank;
    input [SCORE_WIDTH-1:0] score;
    begin
        if (&score[SCORE_WIDTH-2 -: 8] && |score[SCORE_WIDTH-10:0]) begin
            rank = {SCORE_WIDTH{1'b0}};
        end else if (!(|score[SCORE_WIDTH-2:0])) begin
            rank = {1'b1, {SCORE_WIDTH-1{1'b0}}};
        end else if (score[SCORE_WIDTH-1]) begin
            rank = ~score;
        end else begin
            rank = {1'b1, score[SCORE_WIDTH-2:0]};
        end
    end
endfunction

reg [K*ITEM_WIDTH-1:0] items_reg = {K*ITEM_WIDTH{1'b0}};    // best lowest
reg [K*SCORE_WIDTH-1:0] ranks_reg = {K*SCORE_WIDTH{1'b0}};
reg [K-1:0] held_reg = {K{1'b0}};
reg [15:0] wanted_reg = K;
reg [15:0] given_reg = 16'd0;
reg drain_reg = 1'b0;

wire setting = s_axis_tdata[ITEM_WIDTH+1];
wire keep = s_axis_tdata[ITEM_WIDTH] && !setting;
wire [ITEM_WIDTH-1:0] item = s_axis_tdata[ITEM_WIDTH-1:0];
wire [SCORE_WIDTH-1:0] item_rank = rank(item[SCORE_WIDTH-1:0]);
wire take = s_axis_tvalid && s_axis_tready;
wire [15:0] asked = item[15:0];

// the new item goes before place i unless what stands there is at least as good
wire [K-1:0] stays;
genvar place;
generate
    for (place = 0; place < K; place = place + 1) begin : compare
        assign stays[place] = held_reg[place]
            && ranks_reg[SCORE_WIDTH*place +: SCORE_WIDTH] >= item_rank;
    end
endgenerate

wire out_ready;
wire ending = given_reg + 16'd1 >= wanted_reg || !(|(held_reg >> 1));
assign s_axis_tready = !drain_reg;

integer i;
always @(posedge clk) begin
    if (take && setting) begin
        wanted_reg <= asked == 16'd0 ? 16'd1 : asked > K ? K : asked;
    end
    if (take && keep) begin
        for (i = 0; i < K; i = i + 1) begin
            if (!stays[i]) begin
                if (i == 0 || stays[i == 0 ? 0 : i-1]) begin
                    items_reg[ITEM_WIDTH*i +: ITEM_WIDTH] <= item;
                    ranks_reg[SCORE_WIDTH*i +: SCORE_WIDTH] <= item_rank;
                    held_reg[i] <= 1'b1;
                end else begin
                    items_reg[ITEM_WIDTH*i +: ITEM_WIDTH]
                        <= items_reg[ITEM_WIDTH*(i == 0 ? 0 : i-1) +: ITEM_WIDTH];
                    ranks_reg[SCORE_WIDTH*i +: SCORE_WIDTH]
                        <= ranks_reg[SCORE_WIDTH*(i == 0 ? 0 : i-1) +: SCORE_WIDTH];
                    held_reg[i] <= held_reg[i == 0 ? 0 : i-1];
                end
            end
        end
    end
    if (take && !setting && s_axis_tlast) begin
        drain_reg <= 1'b1;
        given_reg <= 16'd0;
    end
    if (drain_reg && out_ready) begin
        items_reg <= items_reg >> ITEM_WIDTH;
        ranks_reg <= ranks_reg >> SCORE_WIDTH;
        held_reg <= ending ? {K{1'b0}} : held_reg >> 1;
        given_reg <= given_reg + 16'd1;
        drain_reg <= !ending;
    end

    if (rst) begin
        held_reg <= {K{1'b0}};
        drain_reg <= 1'b0;
        wanted_reg <= K;
    end
end

axis_skid #
(
    .DATA_WIDTH(ITEM_WIDTH + 1)
)
out
(
    .clk(clk),
    .rst(rst),
    .s_axis_tdata(held_reg[0] ? {1'b0, items_reg[ITEM_WIDTH-1:0]}
        : {1'b1, {ITEM_WIDTH{1'b0}}}),
    .s_axis_tvalid(drain_reg),
    .s_axis_tready(out_ready),
    .s_axis_tlast(ending),
    .m_axis_tdata(m_axis_tdata),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready),
    .m_axis_tlast(m_axis_tlast)
);

endmodule

`resetall
