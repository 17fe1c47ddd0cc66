// SPDX-License-Identifier: MIT
// Copyright (c) The Rackwright authors
/*
 * Gate of the GPU multiplexer (DeepPool, arXiv 2112.10065): one question or report a clock.
 *
 * For each GPU: the flags of the foreground tasklet that runs, its time measured alone
 * (benchmark) and an average of what it took lately (recent), both in microseconds. A piece of
 * background work may start if, in this order: MULTIPLEX is set; else not if ALLREDUCE is; else if
 * P2P_RECV is and the benchmark is above LONG_RECV; else if 10 recent <= 11 benchmark.
 *
 * A report of a run above 1.1 times the benchmark becomes the average at once; any other moves it
 * by 26/256 of the difference, rounded down.
 *
 * Left out: which piece starts, how many are in flight (the host's tables).
 */

`resetall
`timescale 1ns / 1ps
`default_nettype none

module bg_gate #
(
    parameter GPUS = 8,
    parameter TIME_WIDTH = 24,
    parameter LONG_RECV = 500
)
(
    input  wire        clk,
    input  wire        rst,

    // {recent or last[31:0], benchmark[31:0], tag[7:0], flags[7:0], gpu[7:0], op[7:0]}
    // op: 1 tasklet (flags, benchmark, recent), 2 report (last), 3 ask
    input  wire [95:0] s_axis_tdata,
    input  wire        s_axis_tvalid,
    output wire        s_axis_tready,
    input  wire        s_axis_tlast,

    // {recent[31:0], benchmark[31:0], tag[7:0], {refused, 6'd0, grant}, gpu[7:0], op[7:0]}
    output wire [95:0] m_axis_tdata,
    output wire        m_axis_tvalid,
    input  wire        m_axis_tready,
    output wire        m_axis_tlast
);

localparam [7:0] OP_TASKLET = 8'd1, OP_REPORT = 8'd2, OP_ASK = 8'd3;
localparam P2P_RECV = 3, ALLREDUCE = 4, MULTIPLEX = 5;       // bits of the flags
localparam [4:0] RELEASE = 5'd26;                            // of 256

initial begin
    if (GPUS < 1 || GPUS > 256) begin
        $error("GPUS must be 1 to 256 (instance %m)");
        $finish;
    end
    if (TIME_WIDTH < 1 || TIME_WIDTH > 32) begin
        $error("TIME_WIDTH must be 1 to 32 (instance %m)");
        $finish;
    end
end

reg [7:0] flags_reg [0:GPUS-1];
reg [TIME_WIDTH-1:0] benchmark_reg [0:GPUS-1];
reg [TIME_WIDTH-1:0] recent_reg [0:GPUS-1];

integer i;
initial for (i = 0; i < GPUS; i = i + 1) begin
    flags_reg[i] = 8'd0;
    benchmark_reg[i] = {TIME_WIDTH{1'b0}};
    recent_reg[i] = {TIME_WIDTH{1'b0}};
end

wire [7:0] op = s_axis_tdata[7:0];
wire [7:0] gpu = s_axis_tdata[15:8];
wire [TIME_WIDTH-1:0] given_benchmark = s_axis_tdata[32 +: TIME_WIDTH];
wire [TIME_WIDTH-1:0] given = s_axis_tdata[64 +: TIME_WIDTH];
wire refused = op == 8'd0 || op > OP_ASK || gpu >= GPUS;
wire [7:0] row = refused ? 8'd0 : gpu;

wire tasklet = op == OP_TASKLET;
wire [7:0] flags = tasklet ? s_axis_tdata[23:16] : flags_reg[row];
wire [TIME_WIDTH-1:0] benchmark = tasklet ? given_benchmark : benchmark_reg[row];
wire [TIME_WIDTH-1:0] before_run = recent_reg[row];

// 11 benchmark, 10 last: four bits more
wire [TIME_WIDTH+3:0] limit = {4'd0, benchmark} + {3'd0, benchmark, 1'b0} + {1'b0, benchmark, 3'd0};
wire [TIME_WIDTH+3:0] ran = {3'd0, given, 1'b0} + {1'b0, given, 3'd0};

wire signed [TIME_WIDTH:0] difference = $signed({1'b0, given}) - $signed({1'b0, before_run});
wire signed [TIME_WIDTH+7:0] moved = difference * $signed({1'b0, RELEASE});
wire [TIME_WIDTH-1:0] released = before_run + moved[TIME_WIDTH+7:8];
wire [TIME_WIDTH-1:0] recent = tasklet ? given
    : op == OP_REPORT ? (ran > limit ? given : released) : before_run;

wire [TIME_WIDTH+3:0] lately = {3'd0, recent, 1'b0} + {1'b0, recent, 3'd0};
wire grant = flags[MULTIPLEX]
    || (!flags[ALLREDUCE] && ((flags[P2P_RECV] && benchmark > LONG_RECV) || lately <= limit));

wire ready;
assign s_axis_tready = ready;
wire [31:0] shown_recent = {{32{1'b0}}, recent};
wire [31:0] shown_benchmark = {{32{1'b0}}, benchmark};

always @(posedge clk) begin
    if (s_axis_tvalid && ready && !refused) begin
        flags_reg[row] <= flags;
        benchmark_reg[row] <= benchmark;
        recent_reg[row] <= recent;
    end

    if (rst) begin
        for (i = 0; i < GPUS; i = i + 1) begin
            flags_reg[i] <= 8'd0;
            benchmark_reg[i] <= {TIME_WIDTH{1'b0}};
            recent_reg[i] <= {TIME_WIDTH{1'b0}};
        end
    end
end

axis_skid #
(
    .DATA_WIDTH(96)
)
out
(
    .clk(clk),
    .rst(rst),
    .s_axis_tdata(refused ? {64'd0, s_axis_tdata[31:24], 8'h80, gpu, op}
        : {shown_recent, shown_benchmark, s_axis_tdata[31:24], 7'd0, grant, gpu, op}),
    .s_axis_tvalid(s_axis_tvalid),
    .s_axis_tready(ready),
    .s_axis_tlast(s_axis_tlast),
    .m_axis_tdata(m_axis_tdata),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready),
    .m_axis_tlast(m_axis_tlast)
);

endmodule

`resetall
